docker run -d nginx
docker run -d nginx
iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 20559
iptables -t nat -A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 20558
iptables -t nat -A OUTPUT -d 127.0.0.1/32 -p tcp --dport 80 -j REDIRECT --to-ports 20559
iptables -t nat -A OUTPUT -d 127.0.0.1/32 -p tcp --dport 443 -j REDIRECT --to-ports 20558

# The life of the article's host, as its listings tell it.
dockerd
docker network create -o com.docker.network.bridge.enable_icc=false apart
docker run -d --name web --network apart --restart always web
docker run -d --name other --restart always busybox
docker run --name redistest -d -p 36379:6379 172.16.1.129/redis/3.0.7:v1.1
# The firewall was restarted, and Docker after it.
systemctl restart iptables
systemctl restart docker
docker start redistest
# Rancher's agent comes last.
iptables -t nat -N CATTLE_NAT_POSTROUTING
iptables -t nat -I POSTROUTING -j CATTLE_NAT_POSTROUTING

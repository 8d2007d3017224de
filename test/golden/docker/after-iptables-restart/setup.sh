docker compose -f compose.yaml -p report up -d
systemctl restart iptables

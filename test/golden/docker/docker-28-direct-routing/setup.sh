docker compose -f compose.yaml -p report up -d
iptables -I DOCKER-USER -i tailscale0 -j ACCEPT

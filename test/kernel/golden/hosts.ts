/** The hosts and rules that several golden cases share. */
import type { HostDescription } from '../host-description.js';

export const OUTSIDE = '203.0.113.7';
export const HOST = '192.0.2.10';
export const REDIS = '172.17.0.3';
export const WEB_SERVER = '198.51.100.5';

/** A host on 192.0.2.0/24 with Docker's default bridge. */
export const DOCKER_HOST: HostDescription = {
  addr: [
    {
      ifname: 'eth0',
      address: '02:00:00:00:00:10',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: HOST, prefixlen: 24 }],
    },
    {
      ifname: 'docker0',
      address: '02:42:c0:bb:bb:1e',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '172.17.0.1', prefixlen: 16 }],
    },
  ],
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
  neigh: [
    { dst: '192.0.2.1', dev: 'eth0', lladdr: '02:00:00:00:00:01' },
    { dst: REDIS, dev: 'docker0', lladdr: '02:42:ac:11:00:03' },
  ],
};

/** The same with a second network, as `docker network create` makes one. */
export const BRIDGE = 'br-2f1e3c4d5b6a';
export const TWO_NETWORKS: HostDescription = {
  ...DOCKER_HOST,
  addr: [
    ...DOCKER_HOST.addr,
    {
      ifname: BRIDGE,
      address: '02:42:5a:11:22:33',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '172.18.0.1', prefixlen: 16, broadcast: '172.18.255.255' }],
    },
  ],
};

/** One published Redis port, and a distribution's INPUT chain. */
export const DOCKER_RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.3/32 -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j DOCKER-ISOLATION
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -j REJECT --reject-with icmp-host-prohibited
-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT
-A DOCKER-ISOLATION -j RETURN
COMMIT
`;

/**
 * Both tables of the article "What Docker Networks and iptables have to say", which prints them without interfaces,
 * with those that Docker 1.12 gives them: a network of its own, made with icc=false, is older than docker0, since both
 * the iptables service and Docker were restarted.
 */
export const ARTICLE_RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CATTLE_NAT_POSTROUTING - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -j CATTLE_NAT_POSTROUTING
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.18.0.0/16 ! -o ${BRIDGE} -j MASQUERADE
-A POSTROUTING -s 172.17.0.3/32 -d 172.17.0.3/32 -p tcp -m tcp --dport 6379 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER -i ${BRIDGE} -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-ISOLATION
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -o ${BRIDGE} -j DOCKER
-A FORWARD -o ${BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i ${BRIDGE} ! -o ${BRIDGE} -j ACCEPT
-A FORWARD -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -i ${BRIDGE} -o ${BRIDGE} -j DROP
-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT
-A DOCKER-ISOLATION -i ${BRIDGE} -o docker0 -j DROP
-A DOCKER-ISOLATION -i docker0 -o ${BRIDGE} -j DROP
-A DOCKER-ISOLATION -j RETURN
COMMIT
`;

/** Golden cases of rules that ask the host: the routes back to senders, its sockets, and who sent its packets. */
import type { HostDescription, LinkDescription } from '../host-description.js';
import { datagram, from, type GoldenStory, knock, ping, query, session } from './story.js';

const link = (ifname: string, last: string, local: string, group?: string): LinkDescription => ({
  ifname,
  address: `02:00:00:00:00:${last}`,
  mtu: 1500,
  ...(group === undefined ? {} : { group }),
  addr_info: [{ family: 'inet', local, prefixlen: 24 }],
});
const CLIENT = '10.0.0.9';
const SERVER = '198.51.100.80';

const ROUTER: HostDescription = {
  addr: [link('lan', '10', '10.0.0.1', '7'), link('wan', '20', '192.0.2.2'), link('vpn', '30', '10.9.0.1', '7')],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'wan', flow: { to: '2' } },
    { dst: '10.8.0.0/16', gateway: '10.9.0.8', dev: 'vpn', flow: { to: '8' } },
    { dst: 'default', gateway: '10.9.0.8', dev: 'vpn', table: 51 },
  ],
  rule: [
    { priority: 0, src: 'all', table: 'local' },
    { priority: 100, src: 'all', fwmark: '0x51', table: '51' },
    { priority: 32_766, src: 'all', table: 'main' },
    { priority: 32_767, src: 'all', table: 'default' },
  ],
};

const ROUTER_RULES = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:rpfilter - [0:0]
-A PREROUTING -m devgroup --src-group 0x7 -m comment --comment "inner networks"
-A PREROUTING -m rpfilter --accept-local
-A PREROUTING -i lan -m rpfilter --invert -j LOG --log-prefix "golden log: spoofed "
-A PREROUTING -i lan -m rpfilter --invert -j DROP
-A PREROUTING ! -i lan -j rpfilter
-A rpfilter -m rpfilter --loose -j RETURN
-A rpfilter -j DROP
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i vpn -j MARK --set-xmark 0x51/0xffffffff
-A PREROUTING -m rpfilter --validmark
-A PREROUTING -m rpfilter
-A PREROUTING -i vpn -m rpfilter --validmark --invert -j DROP
-A FORWARD -m realm --realm 0x20008
-A FORWARD -m realm --realm 0x8/0xffff
-A FORWARD -m realm ! --realm cosmos
-A FORWARD -m devgroup ! --src-group 0x7 --dst-group 0x7
COMMIT
`;

const reversePath: GoldenStory = {
  name: 'reverse-path',
  protects: 'rpfilter: strict, loose, by mark and for local sources; the realms of routes, and groups of interfaces',
  host: ROUTER,
  rules: ROUTER_RULES,
  *tell(stage) {
    yield* session(stage, from('lan', CLIENT, 40_000, SERVER, 80), 'GET /', '200');
    yield* query(stage, from('lan', CLIENT, 40_001, '10.8.1.1', 53), 'name?', 'address');
    yield* knock(stage, from('lan', '192.0.2.77', 40_002, SERVER, 80));
    yield* knock(stage, from('lan', '10.8.1.1', 40_003, SERVER, 80));
    yield* datagram(stage, from('lan', '10.0.0.1', 40_004, SERVER, 80), 'in the name of the router');
    yield* query(stage, from('vpn', '10.8.1.1', 40_005, CLIENT, 53), 'name?', 'address');
    yield* query(stage, from('vpn', SERVER, 40_006, CLIENT, 53), 'by another way', 'and back');
    yield* knock(stage, from('wan', CLIENT, 40_007, '10.8.1.1', 22));
    yield* ping(stage, from('wan', SERVER, 7, '192.0.2.2', 0));
    yield* ping(stage, from('local', '10.9.0.1', 8, '10.8.1.1', 0));
  },
};

const PROXY_PORT = 3129;
const PROXY_HOST: HostDescription = {
  addr: [link('lan', '10', '10.0.0.1'), link('wan', '20', '192.0.2.2')],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'wan' },
    { type: 'local', dst: 'default', dev: 'lo', table: 100, protocol: '66', scope: 'host' },
  ],
  rule: [
    { priority: 0, src: 'all', table: 'local' },
    { priority: 100, src: 'all', fwmark: '0x1', fwmask: '0x1', table: '100' },
    { priority: 32_766, src: 'all', table: 'main' },
    { priority: 32_767, src: 'all', table: 'default' },
  ],
  sockets: [
    { proto: 'raw', local: '*:0', uid: 0, gid: 0, cgroup: '/' },
    { proto: 'tcp', local: `*:${PROXY_PORT}`, transparent: true, uid: 0, gid: 0, cgroup: '/' },
    { proto: 'tcp', local: '10.0.0.1:3130', transparent: false, uid: 0, gid: 0, cgroup: '/' },
    { proto: 'udp', local: '10.0.0.1:5300', transparent: true, uid: 0, gid: 0, cgroup: '/' },
    { proto: 'tcp', local: `${SERVER}:80`, remote: `${CLIENT}:41000`, transparent: true, mark: 4 },
  ],
};

const PROXY_RULES = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DIVERT - [0:0]
-A PREROUTING -p tcp -m socket --transparent -j DIVERT
-A PREROUTING -m socket --nowildcard
-A PREROUTING -m socket --nowildcard --transparent --restore-skmark
-A PREROUTING -m mark --mark 0x4
-A PREROUTING -i lan -p tcp -m tcp --dport 80 -j TPROXY --on-port ${PROXY_PORT} --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
-A PREROUTING -i lan -p tcp -m tcp --dport 81 -j TPROXY --on-port 3130 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
-A PREROUTING -i lan -p tcp -m tcp --dport 82 -j TPROXY --on-port ${PROXY_PORT} --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0
-A PREROUTING -i lan -p udp -m udp --dport 53 -j TPROXY --on-port 5300 --on-ip 10.0.0.1 --tproxy-mark 0x1/0xffffffff
-A DIVERT -j MARK --set-xmark 0x1/0xffffffff
-A DIVERT -j ACCEPT
-A INPUT -m socket --nowildcard
-A INPUT -m cgroup --path "/"
COMMIT
`;

const transparentProxy: GoldenStory = {
  name: 'transparent-proxy',
  protects: 'TPROXY and socket: what a proxy takes by the mark and its route, its connections, and what is dropped',
  host: PROXY_HOST,
  rules: PROXY_RULES,
  *tell(stage) {
    yield* session(stage, from('lan', CLIENT, 40_000, SERVER, 80), 'GET /', '200');
    yield* session(stage, from('lan', CLIENT, 41_000, SERVER, 80), 'GET /', '200');
    yield* knock(stage, from('lan', CLIENT, 40_001, SERVER, 81));
    yield* knock(stage, from('lan', CLIENT, 40_002, SERVER, 82));
    yield* query(stage, from('lan', CLIENT, 40_003, '203.0.113.53', 53), 'name?', 'address');
    yield* query(stage, from('lan', CLIENT, 40_004, '203.0.113.53', 54), 'name?', 'address');
    yield* knock(stage, from('lan', CLIENT, 40_005, '10.0.0.1', 3130));
    yield* session(stage, from('lan', CLIENT, 40_006, SERVER, 443), 'hello', 'world');
  },
};

const OWNER_RULES = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -m owner --socket-exists
-A POSTROUTING -m owner ! --socket-exists
-A POSTROUTING -m owner ! --uid-owner 33
-A POSTROUTING -m owner ! --gid-owner 33 --suppl-groups
-A POSTROUTING -m cgroup --cgroup 0
-A POSTROUTING -m cgroup ! --path "/"
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -p tcp -m owner --uid-owner 33 -m tcp --dport 80 -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 80 -m owner ! --uid-owner 33 -j DNAT --to-destination 198.51.100.99:8080
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 23 -j REJECT --reject-with tcp-reset
-A INPUT -p udp -m udp --dport 23 -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -m owner --uid-owner 0 -m owner --gid-owner 0-10
-A OUTPUT -p icmp -j LOG --log-prefix "golden log: from " --log-uid
-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -j LOG --log-prefix "golden log: reset " --log-uid
-A OUTPUT -p udp -m udp --dport 53 -m owner ! --uid-owner 0 -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -p udp -m udp --dport 25 -m owner --uid-owner 0-99 -j REJECT --reject-with icmp-admin-prohibited
COMMIT
`;

const owners: GoldenStory = {
  name: 'owners',
  protects: "owner and cgroup: root's packets, the kernel's own answers, and packets that only pass through",
  host: {
    ...PROXY_HOST,
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
    rule: PROXY_HOST.rule!.filter(({ fwmark }) => fwmark === undefined),
    sockets: PROXY_HOST.sockets!.slice(0, 1),
  },
  rules: OWNER_RULES,
  *tell(stage) {
    yield* session(stage, from('local', '192.0.2.2', 40_000, SERVER, 80), 'GET /', '200');
    yield* query(stage, from('local', '192.0.2.2', 40_001, SERVER, 53), 'name?', 'address');
    yield* datagram(stage, from('local', '192.0.2.2', 40_002, SERVER, 25), 'HELO');
    yield* knock(stage, from('lan', CLIENT, 40_003, '10.0.0.1', 23));
    yield* datagram(stage, from('lan', CLIENT, 40_004, '10.0.0.1', 23), 'anybody?');
    yield* session(stage, from('lan', CLIENT, 40_005, SERVER, 80), 'GET /', '200');
    yield* ping(stage, from('local', '10.0.0.1', 6, CLIENT, 0));
  },
};

export const FACT_STORIES: readonly GoldenStory[] = [owners, reversePath, transparentProxy];

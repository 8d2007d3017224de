/** Golden cases of decisions by marks: routes that follow a connection's mark, and Calico's policies. */
import type { HostDescription } from '../host-description.js';
import { from, type GoldenStory, knock, ping, query, session } from './story.js';

const TWO_UPLINKS: HostDescription = {
  addr: [
    {
      ifname: 'wan1',
      address: '02:00:00:00:01:02',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '192.0.2.2', prefixlen: 24 }],
    },
    {
      ifname: 'wan2',
      address: '02:00:00:00:02:02',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '198.51.100.2', prefixlen: 24 }],
    },
    {
      ifname: 'lan',
      address: '02:00:00:00:03:01',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
    },
  ],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'wan1' },
    { dst: 'default', gateway: '198.51.100.1', dev: 'wan2', table: 102 },
    { dst: '10.0.0.0/24', dev: 'lan', table: 102 },
  ],
  rule: [
    { priority: 0, src: 'all', table: 'local' },
    { priority: 1000, src: 'all', fwmark: '0x2', fwmask: '0xff', table: '102' },
    { priority: 32766, src: 'all', table: 'main' },
    { priority: 32767, src: 'all', table: 'default' },
  ],
  neigh: [
    { dst: '192.0.2.1', dev: 'wan1', lladdr: '02:00:00:00:01:01' },
    { dst: '198.51.100.1', dev: 'wan2', lladdr: '02:00:00:00:02:01' },
  ],
};

const UPLINK_RULES = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
-A PREROUTING -m mark ! --mark 0x0/0xff -j ACCEPT
-A PREROUTING -i wan2 -j MARK --set-xmark 0x2/0xff
-A PREROUTING -i lan -p tcp -m multiport --dports 25,587 -j MARK --set-xmark 0x2/0xff
-A PREROUTING -i lan -p udp -m udp --dport 53 -j MARK --set-xmark 0x102/0xffff
-A PREROUTING -j CONNMARK --save-mark --nfmask 0xffff --ctmask 0xffff
-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i wan2 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.0.0.5:443
-A POSTROUTING -o wan1 -j MASQUERADE
-A POSTROUTING -o wan2 -m mark --mark 0x2/0xff -j SNAT --to-source 198.51.100.2
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m connmark --mark 0x102/0xffff -m mark --mark 0x2/0xff -j ACCEPT
-A FORWARD -m connmark --mark 0x2/0xff -m comment --comment "uplink 2" -j ACCEPT
-A FORWARD -i lan -m mark --mark 0x0 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -m mark --mark 0x0 -j ACCEPT
COMMIT
`;

const twoUplinks: GoldenStory = {
  name: 'marks-choose-the-uplink',
  protects: 'marks that are saved with the connection and restored: they choose the route, the NAT and the verdict',
  host: TWO_UPLINKS,
  rules: UPLINK_RULES,
  *tell(stage) {
    yield* session(stage, from('lan', '10.0.0.5', 40_000, '203.0.113.7', 80), 'GET / HTTP/1.0\r\n\r\n', '200 OK\r\n');
    yield* session(stage, from('lan', '10.0.0.5', 40_001, '203.0.113.7', 25), 'HELO me\r\n', '250 hello\r\n');
    yield* query(stage, from('lan', '10.0.0.6', 40_002, '203.0.113.8', 53), 'name?', 'address');
    yield* session(stage, from('wan2', '203.0.113.9', 50_000, '198.51.100.2', 8443), 'hello', 'world');
    yield* ping(stage, from('wan2', '203.0.113.9', 7, '198.51.100.2', 0));
    yield* knock(stage, from('wan2', '203.0.113.9', 50_001, '10.0.0.6', 22));
    yield* knock(stage, from('wan1', '203.0.113.9', 50_002, '10.0.0.6', 22));
  },
};

const POD = '10.244.1.10';
const POD_WEB = '10.244.1.11';

/** A node with two pods, as Calico sets it up: a route to each pod's own interface. */
const CALICO_NODE: HostDescription = {
  addr: [
    {
      ifname: 'eth0',
      address: '02:00:00:00:00:10',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '192.0.2.10', prefixlen: 24 }],
    },
    { ifname: 'cali0a1b2c3d4e5', address: 'ee:ee:ee:ee:ee:ee', mtu: 1450, addr_info: [] },
    { ifname: 'cali5e4d3c2b1a0', address: 'ee:ee:ee:ee:ee:ee', mtu: 1450, addr_info: [] },
  ],
  route: [
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
    { dst: POD, dev: 'cali0a1b2c3d4e5', scope: 'link' },
    { dst: POD_WEB, dev: 'cali5e4d3c2b1a0', scope: 'link' },
  ],
  neigh: [
    { dst: '192.0.2.1', dev: 'eth0', lladdr: '02:00:00:00:00:01' },
    { dst: POD, dev: 'cali0a1b2c3d4e5', lladdr: '02:00:0a:f4:01:0a' },
    { dst: POD_WEB, dev: 'cali5e4d3c2b1a0', lladdr: '02:00:0a:f4:01:0b' },
  ],
};

/** What a workload's own chains have in common: `tw` to it, `fw` from it. */
function workloadChain(name: string, policy: string): string {
  return `-A ${name} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ${name} -m conntrack --ctstate INVALID -j DROP
-A ${name} -j MARK --set-xmark 0x0/0x10000
-A ${name} -p udp -m comment --comment "Drop VXLAN encapped packets" -m multiport --dports 4789 -j DROP
-A ${name} -m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x20000
-A ${name} -m mark --mark 0x0/0x20000 -j ${policy}
-A ${name} -m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN
-A ${name} -m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP
-A ${name} -m comment --comment "Drop if no profiles matched" -j DROP`;
}

const CALICO_RULES = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:cali-PREROUTING - [0:0]
:cali-from-host-endpoint - [0:0]
-A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
-A cali-PREROUTING -j MARK --set-xmark 0x0/0xf0000
-A cali-PREROUTING -i cali+ -j MARK --set-xmark 0x40000/0x40000
-A cali-PREROUTING -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
-A cali-PREROUTING -m mark --mark 0x0/0x40000 -j cali-from-host-endpoint
-A cali-PREROUTING -m mark --mark 0x10000/0x10000 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:cali-POSTROUTING - [0:0]
:cali-nat-outgoing - [0:0]
-A POSTROUTING -j cali-POSTROUTING
-A cali-POSTROUTING -j cali-nat-outgoing
-A cali-nat-outgoing -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:cali-FORWARD - [0:0]
:cali-INPUT - [0:0]
:cali-from-wl-dispatch - [0:0]
:cali-to-wl-dispatch - [0:0]
:cali-fw-a - [0:0]
:cali-tw-a - [0:0]
:cali-fw-b - [0:0]
:cali-tw-b - [0:0]
:cali-po-egress - [0:0]
:cali-pi-web - [0:0]
-A INPUT -j cali-INPUT
-A FORWARD -j cali-FORWARD
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m mark --mark 0x10000/0x10000 -j ACCEPT
-A FORWARD -m comment --comment "cali:mp77cMpurHhyjLrM" -j MARK --set-xmark 0x10000/0x10000
-A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000
-A cali-FORWARD -i cali+ -j cali-from-wl-dispatch
-A cali-FORWARD -o cali+ -j cali-to-wl-dispatch
-A cali-INPUT -i cali+ -g cali-from-wl-dispatch
-A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-from-wl-dispatch -i cali0a1b2c3d4e5 -g cali-fw-a
-A cali-from-wl-dispatch -i cali5e4d3c2b1a0 -g cali-fw-b
-A cali-from-wl-dispatch -m comment --comment "Unknown interface" -j DROP
-A cali-to-wl-dispatch -o cali0a1b2c3d4e5 -g cali-tw-a
-A cali-to-wl-dispatch -o cali5e4d3c2b1a0 -g cali-tw-b
-A cali-to-wl-dispatch -m comment --comment "Unknown interface" -j DROP
${workloadChain('cali-fw-a', 'cali-po-egress')}
${workloadChain('cali-tw-a', 'cali-pi-web')}
${workloadChain('cali-fw-b', 'cali-po-egress')}
${workloadChain('cali-tw-b', 'cali-pi-web')}
-A cali-po-egress ! -d 203.0.113.66/32 -m comment --comment "egress but one" -j MARK --set-xmark 0x10000/0x10000
-A cali-po-egress -m mark --mark 0x10000/0x10000 -j RETURN
-A cali-pi-web -s 10.244.0.0/16 -p tcp -m multiport --dports 80,8080:8090 -j MARK --set-xmark 0x10000/0x10000
-A cali-pi-web -m mark --mark 0x10000/0x10000 -j RETURN
COMMIT
`;

const calico: GoldenStory = {
  name: 'calico',
  protects:
    "Calico's chains: a workload's spoofed source, policies that answer by mark, and the host as a workload's peer",
  host: CALICO_NODE,
  rules: CALICO_RULES,
  *tell(stage) {
    const pod = (port: number, peer: string, peerPort: number) => from('cali0a1b2c3d4e5', POD, port, peer, peerPort);
    yield* session(stage, pod(40_000, POD_WEB, 80), 'GET / HTTP/1.0\r\n\r\n', '200 OK\r\n');
    yield* knock(stage, pod(40_001, POD_WEB, 22));
    yield* session(stage, pod(40_002, '203.0.113.7', 443), 'hello', 'world');
    yield* knock(stage, pod(40_003, '203.0.113.66', 443));
    yield* knock(stage, from('cali0a1b2c3d4e5', '10.244.1.99', 40_004, POD_WEB, 80));
    yield* query(stage, pod(40_005, '192.0.2.10', 53), 'name?', 'address');
    yield* query(stage, pod(40_006, '203.0.113.7', 4789), 'vxlan', 'no');
    yield* knock(stage, from('eth0', '203.0.113.7', 50_000, POD_WEB, 80));
    yield* ping(stage, from('local', '192.0.2.10', 9, POD, 0));
  },
};

export const MARK_STORIES: readonly GoldenStory[] = [twoUplinks, calico];

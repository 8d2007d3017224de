/** Golden cases of what rules tell conntrack: untracked packets, and labels. */
import { buildIpv4, buildUdp, fragmentsOf, withChecksum } from '../../packets/packets.js';
import type { HostDescription } from '../host-description.js';
import { type Scene, type Side, type Stage, shotOf } from '../scene.js';
import { complain, from, type GoldenStory, knock, ping, query, session } from './story.js';

/** A router that masquerades, with a busy name server of its own. */
const NAMESERVER: HostDescription = {
  addr: [
    {
      ifname: 'lan',
      address: '02:00:00:00:01:01',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '192.168.1.1', prefixlen: 24 }],
    },
    {
      ifname: 'wan',
      address: '02:00:00:00:02:01',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '198.51.100.2', prefixlen: 24 }],
    },
  ],
  route: [{ dst: 'default', gateway: '198.51.100.1', dev: 'wan' }],
  neigh: [
    { dst: '198.51.100.1', dev: 'wan', lladdr: '02:00:00:00:02:02' },
    { dst: '192.168.1.7', dev: 'lan', lladdr: '02:00:00:00:01:07' },
  ],
};

const RULES = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK
-A PREROUTING -p udp -m udp --sport 53 -j CT --notrack
-A PREROUTING -m conntrack --ctstate UNTRACKED
-A PREROUTING -p tcp -m tcp --dport 23 -j NOTRACK
-A PREROUTING -p icmp -m icmp --icmp-type 8 -s 192.168.1.9/32 -j NOTRACK
-A OUTPUT -p udp -m udp --sport 53 -j NOTRACK
-A OUTPUT -p udp -m udp --dport 53 -j NOTRACK
-A OUTPUT -p icmp -j NOTRACK
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state UNTRACKED -p udp -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 443 -m connlabel --label 5
-A FORWARD -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW -m connlabel --label 5 --set
-A FORWARD -p tcp -m tcp --sport 443 -m connlabel ! --label 5 -j DROP
-A FORWARD -p tcp -m tcp --dport 23 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -j ACCEPT
-A OUTPUT -p icmp -m conntrack --ctstate INVALID
-A OUTPUT -p icmp -m conntrack --ctstate UNTRACKED
COMMIT
`;

/** A datagram of LENGTH bytes from SIDE in fragments of SIZES, the last one first. */
function* inFragments(stage: Stage, side: Side, sizes: readonly number[], length: number): Scene {
  const whole = buildIpv4(
    { source: side.address, destination: side.peerAddress, protocol: 17, id: 77 },
    buildUdp(side.port, side.peerPort, new Uint8Array(length).fill(0x61)),
  );
  for (const fragment of fragmentsOf(withChecksum(whole), sizes).reverse()) yield shotOf(stage, side, fragment);
}

const notrack: GoldenStory = {
  name: 'notrack',
  protects: 'NOTRACK and CT --notrack: untracked packets are not translated, answers to them are tracked; connlabel',
  host: NAMESERVER,
  rules: RULES,
  *tell(stage) {
    const client = (port: number, peerPort: number, peer = '198.51.100.7') =>
      from('lan', '192.168.1.7', port, peer, peerPort);
    yield* query(stage, client(40_000, 53, '192.168.1.1'), 'who?', 'me');
    yield* query(stage, client(40_001, 53), 'who?', 'you');
    yield* inFragments(stage, client(40_002, 53), [1000, 600], 1500);
    yield* inFragments(stage, from('local', '198.51.100.2', 53, '198.51.100.9', 40_003), [800, 800, 400], 1900);
    yield* inFragments(stage, from('local', '192.168.1.1', 40_003, '192.168.1.1', 53), [800, 800, 400], 1900);
    yield* query(stage, client(40_004, 123), 'what time?', 'noon');
    // Refused without being tracked: the answer is INVALID, not UNTRACKED.
    yield* knock(stage, client(40_005, 23));
    yield* ping(stage, from('lan', '192.168.1.9', 7, '198.51.100.7', 0));
    yield* ping(stage, from('lan', '192.168.1.7', 8, '198.51.100.7', 0));
    yield* query(stage, client(40_006, 53), 'again?', 'yes');
    yield* complain(stage, 'wan', '198.51.100.7', 3, 3);
    yield* session(stage, client(40_007, 443), 'GET /', '200');
  },
};

export const TRACKING_STORIES: readonly GoldenStory[] = [notrack];

/** Golden cases of targets that change packets: MSS clamping on a path with a smaller MTU, 1:1 NAT of a network. */
import { TCP_ACK, TCP_SYN } from '../../../codecs/layouts.js';
import type { HostDescription } from '../host-description.js';
import type { Scene, Side, Stage } from '../scene.js';
import { segment } from '../tcp-scene.js';
import { ask, complain, from, type GoldenStory, ping, plainConnection, query, session } from './story.js';

/** A router with PPPoE towards the Internet, where one network is behind a tunnel. */
const PPPOE: HostDescription = {
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
      mtu: 1492,
      addr_info: [{ family: 'inet', local: '198.51.100.2', prefixlen: 30 }],
    },
  ],
  route: [
    { dst: 'default', gateway: '198.51.100.1', dev: 'wan' },
    { dst: '203.0.113.0/24', gateway: '198.51.100.1', dev: 'wan', metrics: [{ mtu: 1400 }] },
  ],
  neigh: [
    { dst: '198.51.100.1', dev: 'wan', lladdr: '02:00:00:00:02:02' },
    { dst: '192.168.1.7', dev: 'lan', lladdr: '02:00:00:00:01:07' },
  ],
};

const CLAMP_RULES = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1421:65535 -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss ! --mss 0:65535 -j TCPMSS --clamp-mss-to-pmtu
-A OUTPUT -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o wan -j MASQUERADE
COMMIT
`;

/** A handshake in which both sides announce an MSS, 0: none, and a request. */
function* announce(stage: Stage, side: Side, clientMss: number, serverMss: number): Scene {
  const connection = plainConnection(stage, side);
  const { client, server } = connection;
  client.mss = clientMss;
  server.mss = serverMss;
  const none = (mss: number) => (mss === 0 ? { options: new Uint8Array(0) } : {});
  yield* segment(connection, client, TCP_SYN, undefined, none(clientMss));
  yield* segment(connection, server, TCP_SYN | TCP_ACK, undefined, none(serverMss));
  yield* segment(connection, client, TCP_ACK);
  yield* ask(connection, 'GET / HTTP/1.0\r\n\r\n', '200 OK\r\n');
}

const mssClamp: GoldenStory = {
  name: 'mss-clamp',
  protects: 'TCPMSS: the MTU of the routes to both ends limits the MSS, an MSS is added and never raised',
  host: PPPOE,
  rules: CLAMP_RULES,
  *tell(stage) {
    const client = (port: number, peer: string) => from('lan', '192.168.1.7', port, peer, 443);
    yield* announce(stage, client(40_000, '8.8.4.4'), 1460, 1460);
    yield* announce(stage, client(40_001, '203.0.113.9'), 1460, 1440);
    yield* announce(stage, client(40_002, '8.8.4.4'), 0, 0);
    yield* announce(stage, client(40_003, '8.8.4.4'), 1400, 1200);
    yield* announce(stage, from('local', '198.51.100.2', 40_004, '203.0.113.9', 443), 1460, 1460);
    // A SYN with data has no room for another option.
    const opening = plainConnection(stage, client(40_005, '8.8.4.4'));
    const fast = { options: Uint8Array.of(34, 2, 1, 1) };
    yield* segment(opening, opening.client, TCP_SYN, Buffer.from('fast'), fast);
  },
};

/** Two sites that use the same addresses, joined by a router that shows each as another network. */
const SITES: HostDescription = {
  addr: [
    {
      ifname: 'site',
      address: '02:00:00:00:01:01',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
    },
    {
      ifname: 'vpn',
      address: '02:00:00:00:02:01',
      mtu: 1500,
      addr_info: [{ family: 'inet', local: '172.31.0.1', prefixlen: 30 }],
    },
  ],
  route: [{ dst: '192.168.0.0/16', gateway: '172.31.0.2', dev: 'vpn' }],
  neigh: [
    { dst: '172.31.0.2', dev: 'vpn', lladdr: '02:00:00:00:02:02' },
    { dst: '10.0.0.7', dev: 'site', lladdr: '02:00:00:00:01:07' },
    { dst: '10.0.0.8', dev: 'site', lladdr: '02:00:00:00:01:08' },
  ],
};

const NETMAP_RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 192.168.101.0/24 -i vpn -j NETMAP --to 10.0.0.0/24
-A INPUT -s 192.168.102.64/26 -j NETMAP --to 172.30.0.0/16
-A OUTPUT -d 192.168.200.0/24 -p udp -j NETMAP --to 192.168.201.0/24
-A POSTROUTING -s 10.0.0.0/24 -o vpn -j NETMAP --to 192.168.101.0/24
COMMIT
`;

const netmap: GoldenStory = {
  name: 'netmap',
  protects: 'NETMAP: a network is translated 1:1 in both directions, at all four hooks, ports and ICMP errors included',
  host: SITES,
  rules: NETMAP_RULES,
  *tell(stage) {
    yield* session(
      stage,
      from('site', '10.0.0.7', 40_000, '192.168.102.9', 80),
      'GET / HTTP/1.0\r\n\r\n',
      '200 OK\r\n',
    );
    yield* query(stage, from('site', '10.0.0.8', 40_000, '192.168.102.9', 53), 'name?', 'address');
    yield* session(stage, from('vpn', '192.168.102.9', 50_000, '192.168.101.7', 22), 'hello', 'world');
    yield* ping(stage, from('vpn', '192.168.102.9', 7, '192.168.101.8', 0));
    yield* ping(stage, from('vpn', '192.168.102.77', 8, '172.31.0.1', 0));
    yield* query(stage, from('local', '172.31.0.1', 40_001, '192.168.200.5', 53), 'name?', 'address');
    yield* query(stage, from('site', '10.0.0.7', 40_002, '192.168.102.9', 33_434), 'anyone?', 'no');
    yield* complain(stage, 'vpn', '192.168.102.9', 3, 3);
  },
};

export const MANGLE_STORIES: readonly GoldenStory[] = [mssClamp, netmap];

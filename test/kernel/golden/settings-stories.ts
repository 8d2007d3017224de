/** Golden cases of sysctls. */
import { buildIpv4, buildUdp, withChecksum } from '../../packets/packets.js';
import type { Scene } from '../scene.js';
import { DOCKER_HOST, DOCKER_RULES, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { connect, deliver, from, type GoldenStory, ping, query, session } from './story.js';

const FOLDER = 'test/golden/protocols';

const accountingOff: GoldenStory = {
  name: 'accounting-off',
  folder: FOLDER,
  protects: 'connections listed without packets and bytes where nf_conntrack_acct is 0',
  host: { ...DOCKER_HOST, sysctl: { 'net.netfilter.nf_conntrack_acct': 0 } },
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(
      stage,
      from('docker0', REDIS, 40_001, WEB_SERVER, 80),
      'GET / HTTP/1.0\r\n\r\n',
      'HTTP/1.0 200 OK\r\n',
    );
    yield* connect(stage, from('eth0', OUTSIDE, 51_515, '192.0.2.10', 36_379));
    yield* query(stage, from('docker0', REDIS, 40_002, WEB_SERVER, 53), 'name?', 'address');
    yield* ping(stage, from('docker0', REDIS, 77, WEB_SERVER, 0));
  },
};

const SOURCE_ROUTED_RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.10/32 -p udp -m udp --dport 7000 -j DNAT --to-destination 172.17.0.3
-A PREROUTING -d 192.0.2.99/32 -j DNAT --to-destination 192.0.2.10
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p udp -m udp --dport 7001 -j REJECT
-A FORWARD -d 192.0.2.10/32 -i eth0 -o docker0
-A FORWARD -d 172.17.0.3/32 -i eth0 -o docker0
COMMIT
`;

/** Hops as the sender writes them. Several lead nowhere. */
const HOPS: readonly (readonly string[])[] = [
  [REDIS],
  [WEB_SERVER],
  [OUTSIDE],
  ['192.0.2.77'],
  ['172.17.0.1', REDIS],
  ['172.17.0.1', '192.0.2.10'],
  ['192.0.2.10', '172.17.0.1', WEB_SERVER, REDIS],
  ['172.17.0.1', '192.0.2.10', '127.0.0.1'],
  ['127.0.0.1'],
  ['0.0.0.0'],
  ['224.0.0.1'],
  ['255.255.255.255'],
  ['192.0.2.255'],
  ['10.9.0.1'],
  ['10.8.0.1'],
  [],
];

/** Options before the source route, or after it, none with the time of day. */
const OTHER_OPTIONS = ['', '07070400000000', '0101', '440c0503c000020200000000'];

const sourceRoutes: GoldenStory = {
  name: 'source-routes',
  folder: FOLDER,
  protects: 'source routes followed to their next hops where accept_source_route is on',
  host: {
    ...DOCKER_HOST,
    route: [
      ...(DOCKER_HOST.route ?? []),
      { dst: '10.9.0.0/16', type: 'blackhole' },
      { dst: '10.8.0.0/16', type: 'prohibit' },
    ],
    sysctl: { 'net.ipv4.conf.all.accept_source_route': 1 },
  },
  rules: SOURCE_ROUTED_RULES,
  *tell(stage) {
    let port = 40_000;
    function* send(dev: string, source: string, destination: string, options: string, dport = 53, ttl = 64): Scene {
      const side = from(dev, source, port++, destination, dport);
      const packet = buildIpv4(
        {
          source: side.address,
          destination: side.peerAddress,
          protocol: 17,
          id: port,
          ttl,
          options: Buffer.from(options, 'hex'),
        },
        buildUdp(side.port, side.peerPort, Buffer.from('source routed')),
      );
      yield* deliver(stage, side, withChecksum(packet));
    }
    for (const type of [131, 137]) {
      for (const hops of HOPS) {
        const option = sourceRoute(type, 4, hops);
        for (const [dev, source] of [
          ['eth0', OUTSIDE],
          ['docker0', REDIS],
        ]) {
          for (const destination of ['192.0.2.10', '172.17.0.1']) yield* send(dev, source, destination, option);
        }
        yield* send('eth0', '192.0.2.55', '192.0.2.10', option);
        yield* send('eth0', OUTSIDE, '192.0.2.99', option);
        for (const dport of [7000, 7001]) yield* send('eth0', OUTSIDE, '192.0.2.10', option, dport);
        yield* send('eth0', OUTSIDE, '192.0.2.10', option, 53, 1);
        for (const destination of [REDIS, '192.0.2.255', '10.9.0.1']) {
          yield* send('eth0', OUTSIDE, destination, option);
        }
      }
      // The way so far, which an answer takes back, and faulty pointers.
      for (const pointer of [3, 4, 5, 8, 10, 12, 13, 40]) {
        for (const dport of [53, 7001]) {
          const option = sourceRoute(type, pointer, ['198.51.100.1', REDIS]);
          yield* send('eth0', OUTSIDE, '192.0.2.10', option, dport);
          yield* send('eth0', OUTSIDE, '192.0.2.10', option, dport, 1);
        }
      }
      for (const other of OTHER_OPTIONS) {
        for (const hops of [[REDIS], [WEB_SERVER], ['172.17.0.1', REDIS]]) {
          const option = sourceRoute(type, 4, hops);
          for (const options of [option + other, other + option]) {
            yield* send('eth0', OUTSIDE, '192.0.2.10', options);
            yield* send('docker0', REDIS, '172.17.0.1', options);
            yield* send('eth0', OUTSIDE, '192.0.2.10', options, 7001);
          }
        }
      }
      yield* send('eth0', OUTSIDE, '192.0.2.10', sourceRoute(type, 4, [REDIS]) + sourceRoute(type, 4, [REDIS]));
    }
  },
};

/** A source route option in hexadecimal. */
function sourceRoute(type: number, pointer: number, hops: readonly string[]): string {
  const addresses = hops.flatMap((hop) => hop.split('.').map(Number));
  return Buffer.from([type, 3 + addresses.length, pointer, ...addresses]).toString('hex');
}

export const SETTINGS_STORIES: readonly GoldenStory[] = [accountingOff, sourceRoutes];

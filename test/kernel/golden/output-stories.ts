/** Golden cases of what rules say and send besides the packet: LOG, NFLOG, TEE, NFQUEUE. */
import { buildIcmp, buildIpv4, buildTcp, buildUdp, type Ipv4Fields, withChecksum } from '../../packets/packets.js';
import { DOCKER_HOST, HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { connect, datagram, deliver, from, type GoldenStory, hangUp, knock, ping, query, session } from './story.js';

const FLAGS = '--log-tcp-sequence --log-tcp-options --log-ip-options';
const NO_DATA = new Uint8Array(0);
const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

/** A packet from outside to the container. */
const inwards = (protocol: number, payload: Uint8Array, fields: Partial<Ipv4Fields> = {}): Buffer =>
  buildIpv4({ source: OUTSIDE, destination: REDIS, protocol, id: 11, ...fields }, payload);

/** What an ICMP error quotes: a packet from the container. */
const quote = (protocol: number, payload: Uint8Array, fields: Partial<Ipv4Fields> = {}): Buffer =>
  buildIpv4({ source: REDIS, destination: OUTSIDE, protocol, id: 12, ...fields }, payload);

const segment = (flags: number, options = ''): Buffer =>
  buildTcp({ sport: 50_000, dport: 6379, flags, sequence: 111, acknowledgment: 222, options: bytes(options) });
const message = (type: number, id: number, sequence: number): Buffer => buildIcmp(type, 0, id, sequence, NO_DATA);

/** One packet of each form that the messages have. */
const FORMS: readonly Buffer[] = [
  withChecksum(inwards(6, segment(0x02, '020405b401030307'), { fragment: 0x4000, tos: 0xff })),
  withChecksum(inwards(6, segment(0xff))),
  inwards(6, segment(0x12).subarray(0, 10)),
  withChecksum(inwards(17, buildUdp(53, 53, bytes('6162')), { options: bytes('94040000') })),
  inwards(17, bytes('0035003500')),
  inwards(136, bytes('0035003500080000')),
  inwards(1, buildIcmp(8, 0, 258, 5, bytes('616263'))),
  inwards(1, message(0, 258, 5)),
  inwards(1, bytes('08000000')),
  inwards(1, buildIcmp(3, 4, 0, 1280, quote(17, buildUdp(53, 53, bytes('6162')), { options: bytes('01010100') }))),
  inwards(1, buildIcmp(3, 1, 0, 0, quote(17, bytes(''), { options: bytes('01010100') }).subarray(0, 20))),
  inwards(1, buildIcmp(3, 1, 0, 0, quote(17, bytes('')).subarray(0, 19))),
  inwards(1, buildIcmp(5, 1, 0x0a00, 9, quote(6, segment(2).subarray(0, 8)))),
  inwards(1, buildIcmp(12, 0, 0x1400, 0, quote(17, buildUdp(53, 53, bytes('6162'))))),
  inwards(1, buildIcmp(11, 0, 0, 0, quote(1, message(8, 1, 2)))),
  inwards(1, buildIcmp(11, 0, 0, 0, quote(1, buildIcmp(3, 4, 0, 99, quote(17, bytes('00350035000a0000')))))),
  ...[6, 17, 136, 1, 51, 50, 132].map((protocol) =>
    inwards(1, buildIcmp(4, 0, 0, 0, quote(protocol, bytes('0011223344556677'), { fragment: 0x2007 }))),
  ),
  inwards(1, buildIcmp(11, 0, 0, 0, quote(17, bytes('0011223344556677'), { headerWords: 15 }))),
  inwards(1, message(13, 1, 2)),
  inwards(1, buildIcmp(17, 0, 1, 2, bytes('00000000'))),
  inwards(1, message(42, 1, 2)),
  inwards(51, bytes('060400001234567800000000')),
  inwards(51, bytes('0604000000000005')),
  inwards(50, bytes('0034567800000001')),
  inwards(50, bytes('1234')),
  inwards(47, bytes('00000800')),
  inwards(0, bytes('')),
  inwards(253, bytes(''), { fragment: 0x8000 }),
];

const log: GoldenStory = {
  name: 'log',
  protects: 'LOG: the message about every kind of packet, whole and cut short, at every hook and with every option',
  host: DOCKER_HOST,
  rules: `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -j LOG --log-prefix "golden log: raw " ${FLAGS}
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -m ttl --ttl-eq 64 -j MARK --set-xmark 0x1f
-A INPUT -j LOG --log-prefix "golden log: in " --log-level debug --log-uid
-A OUTPUT -j LOG --log-prefix "golden log: out "
-A POSTROUTING -j LOG --log-prefix "golden log: post " --log-macdecode
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
-A POSTROUTING -j LOG --log-prefix "golden log: nat "
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -p tcp -m limit --limit 1/hour --limit-burst 2 -j LOG --log-prefix "golden log: some "
COMMIT
`,
  *tell(stage) {
    const outside = from('eth0', OUTSIDE, 50_000, REDIS, 6379);
    for (const packet of FORMS) yield* deliver(stage, outside, packet);
    const datagramBytes = withChecksum(inwards(17, buildUdp(9, 9, new Uint8Array(100)), { id: 99 }));
    const rest = inwards(17, datagramBytes.subarray(20 + 64), { id: 99, fragment: 8 });
    const first = inwards(17, datagramBytes.subarray(20, 20 + 64), { id: 99, fragment: 0x2000 });
    yield* deliver(stage, outside, rest);
    yield* deliver(stage, outside, first);
    yield* session(stage, from('eth0', OUTSIDE, 50_001, HOST, 8080), 'GET /\r\n', 'hello\r\n');
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, HOST, 22));
    yield* datagram(stage, from('local', HOST, 40_000, WEB_SERVER, 53), 'www.example.org?');
    yield* datagram(stage, from('local', HOST, 40_000, HOST, 53), 'to itself');
  },
};

const nflog: GoldenStory = {
  name: 'nflog',
  protects: 'NFLOG: groups and prefixes, whole packets and their first bytes, before and after NAT',
  host: DOCKER_HOST,
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j NFLOG --nflog-prefix "[in] " --nflog-group 7
-A FORWARD -p udp -j NFLOG --nflog-group 7 --nflog-size 28
-A FORWARD -p icmp -j NFLOG --nflog-prefix "nothing of it" --nflog-group 7 --nflog-size 0
-A POSTROUTING -o docker0 -j NFLOG --nflog-prefix "${'0123456789'.repeat(7)}" --nflog-group 7 --nflog-range 20
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j NFLOG --nflog-prefix nat --nflog-group 7 --nflog-threshold 3
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
COMMIT
`,
  *tell(stage) {
    yield* session(stage, from('eth0', OUTSIDE, 50_001, HOST, 8080), 'GET /\r\n', 'hello\r\n');
    yield* query(stage, from('eth0', OUTSIDE, 50_002, REDIS, 53), 'www.example.org?', '198.51.100.5');
    yield* ping(stage, from('eth0', OUTSIDE, 5, REDIS, 0));
    yield* datagram(stage, from('eth0', OUTSIDE, 50_003, HOST, 161), 'public');
  },
};

const tee: GoldenStory = {
  name: 'tee',
  protects:
    'TEE: the TTL, DF and neighbour of copies from each hook; OUTPUT and conntrack see them as untracked packets',
  host: {
    ...DOCKER_HOST,
    neigh: [
      ...(DOCKER_HOST.neigh ?? []),
      ...['172.17.0.9', '172.17.0.4'].map((dst) => ({ dst, dev: 'docker0', lladdr: '02:42:ac:11:00:99' })),
    ],
  },
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -j TEE --gateway 172.17.0.9
-A INPUT -p udp -j TEE --gateway 172.17.0.9 --oif docker0
-A FORWARD -p udp -j TEE --gateway 203.0.113.1
-A FORWARD -p icmp -j TEE --gateway 172.17.0.9 --oif nosuch0
-A OUTPUT -p udp -j TEE --gateway 172.17.0.9
-A POSTROUTING -p icmp -j TEE --gateway 203.0.113.1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -m conntrack --ctstate UNTRACKED -p tcp -m tcp --dport 8081 -j REJECT --reject-with tcp-reset
-A OUTPUT -m conntrack --ctstate UNTRACKED
COMMIT
`,
  *tell(stage) {
    yield* session(stage, from('eth0', OUTSIDE, 50_001, HOST, 8080), 'GET /\r\n', 'hello\r\n');
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, HOST, 8081));
    yield* datagram(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 53), 'www.example.org?');
    yield* datagram(stage, from('eth0', WEB_SERVER, 53, HOST, 40_000), '198.51.100.5');
    yield* datagram(stage, from('eth0', OUTSIDE, 50_003, HOST, 161), 'public');
    yield* ping(stage, from('docker0', REDIS, 5, WEB_SERVER, 0));
    yield* datagram(stage, from('local', HOST, 40_002, WEB_SERVER, 53), 'its own');
    const outside = from('eth0', OUTSIDE, 9, REDIS, 9);
    const whole = withChecksum(inwards(17, buildUdp(9, 9, new Uint8Array(100)), { id: 99 }));
    yield* deliver(stage, outside, inwards(17, whole.subarray(20, 20 + 64), { id: 99, fragment: 0x2000 }));
    yield* deliver(stage, outside, inwards(17, whole.subarray(20 + 64), { id: 99, fragment: 8 }));
  },
};

const nfqueue: GoldenStory = {
  name: 'nfqueue',
  protects:
    'NFQUEUE without a program: packets are dropped, or with --queue-bypass go on, in nat without being translated',
  host: DOCKER_HOST,
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout
-A FORWARD -p tcp -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8081 -j NFQUEUE --queue-num 9 --queue-bypass
-A PREROUTING -p tcp -m tcp --dport 8080:8081 -j DNAT --to-destination 172.17.0.3:80
-A POSTROUTING -p udp -j NFQUEUE --queue-num 9 --queue-bypass
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -j NFQUEUE --queue-num 9
-A FORWARD -p icmp -j QUEUE
-A FORWARD -p tcp -m tcp --dport 80
COMMIT
`,
  *tell(stage) {
    const web = yield* connect(stage, from('eth0', OUTSIDE, 50_001, HOST, 8080));
    yield* hangUp(web);
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, HOST, 8081));
    yield* query(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 53), 'www.example.org?', '198.51.100.5');
    yield* knock(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 443));
    yield* datagram(stage, from('eth0', OUTSIDE, 50_003, HOST, 161), 'public');
    yield* ping(stage, from('docker0', REDIS, 5, WEB_SERVER, 0));
  },
};

const [TUNNEL_PEER, TUNNEL] = ['10.9.0.2', 'tun7'];

const logOfTunnel: GoldenStory = {
  name: 'log-through-a-tunnel',
  protects: 'MAC= in messages where the packet came or goes without a link header',
  host: {
    ...DOCKER_HOST,
    addr: [
      ...DOCKER_HOST.addr,
      {
        ifname: TUNNEL,
        link_type: 'none',
        flags: ['POINTOPOINT', 'MULTICAST', 'NOARP', 'UP', 'LOWER_UP'],
        mtu: 1420,
        addr_info: [{ family: 'inet', local: '10.9.0.1', prefixlen: 24 }],
      },
    ],
  },
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
${['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING']
  .flatMap((chain) => [
    `-A ${chain} -j LOG --log-prefix "golden tunnel: ${chain} "`,
    `-A ${chain} -j LOG --log-prefix "golden macs: ${chain} " --log-macdecode`,
  ])
  .join('\n')}
COMMIT
`,
  *tell(stage) {
    yield* query(stage, from('docker0', REDIS, 40_000, TUNNEL_PEER, 53), 'name?', 'address');
    yield* query(stage, from(TUNNEL, TUNNEL_PEER, 40_001, '10.9.0.1', 53), 'name?', 'address');
    yield* query(stage, from('docker0', REDIS, 40_002, WEB_SERVER, 53), 'name?', 'address');
  },
};

export const OUTPUT_STORIES: readonly GoldenStory[] = [log, logOfTunnel, nflog, nfqueue, tee];

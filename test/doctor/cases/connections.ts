/** Connections that conntrack loses, keeps too long, or has no room for. */
import { data, handshake, hostWith, rst, rulesOf, syn, udp } from '../clinic.js';
import {
  CLIENT,
  CONTAINER,
  DNAT_LINE,
  type DoctorCase,
  ELSEWHERE,
  FILTER,
  MASQUERADE,
  OTHER_CLIENT,
  PUBLISH,
  PUBLISHED,
  PUBLISHED_RULES,
  sysctl,
} from './common.js';

/** Segments of the container, of which the last is a thousand windows ahead. */
const OUT_OF_WINDOW = [
  ...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER),
  data('docker0', CONTAINER, CLIENT, { seq: 1_000_901, ack: 101, bytes: 10 }),
];

const INVALID: DoctorCase[] = [
  {
    name: 'a segment out of window leaves with its private source and is reset',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [...OUT_OF_WINDOW, rst('eth0', CLIENT, CONTAINER)],
    finds: 'invalid-escapes',
    packets: ['docker0:2', 'eth0:3'],
    lines: [DNAT_LINE],
    change: /--ctstate INVALID -j DROP/,
  },
  {
    name: 'the same segment, dropped as INVALID',
    host: hostWith(),
    rules: PUBLISHED_RULES + rulesOf({ filter: [...FILTER, '-A FORWARD -m conntrack --ctstate INVALID -j DROP'] }),
    traffic: OUT_OF_WINDOW,
  },
  {
    name: 'a connection of which only the client was captured',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER).filter(({ on }) => on === 'eth0'),
  },
  {
    name: 'a segment out of window of a connection without NAT',
    host: hostWith(),
    rules: rulesOf({ filter: FILTER }),
    traffic: [
      ...handshake('eth0', CLIENT, CONTAINER, 'docker0', CONTAINER),
      data('docker0', CONTAINER, CLIENT, { seq: 1_000_901, ack: 101, bytes: 10 }),
    ],
  },
];

const MOVED = PUBLISHED_RULES.replace('172.17.0.3:80', '172.17.0.4:80');
const ENTRY =
  'ipv4 2 udp 17 29 src=10.0.0.5 dst=192.0.2.10 sport=5000 dport=8125 packets=1 bytes=40 [UNREPLIED] src=172.17.0.9 ' +
  'dst=10.0.0.5 sport=8125 dport=5000 packets=0 bytes=0 mark=0 use=1\n';

const ENTRIES: DoctorCase[] = [
  {
    name: 'a connection goes on to a container that is no longer published',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    later: { atMs: 1000, rules: MOVED },
    traffic: [
      ...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER),
      { ...data('eth0', CLIENT, PUBLISHED, { seq: 101, ack: 901, bytes: 5 }), atMs: 2000 },
    ],
    finds: 'outdated-connection',
    packets: ['eth0:3'],
    lines: [DNAT_LINE],
    change: /^conntrack -D -p tcp --orig-dst 192\.0\.2\.10 --orig-port-dst 8080$/,
  },
  {
    name: 'an entry of before the capture, and no rule for it',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH, filter: [...FILTER, '-A INPUT -p udp -m udp --dport 8125 -j REJECT'] }),
    connections: ENTRY,
    traffic: [udp('eth0', '10.0.0.5:5000', '192.0.2.10:8125')],
    finds: 'outdated-connection',
    packets: ['eth0:1'],
    lines: [12],
    change: /^conntrack -D -p udp /,
  },
  {
    name: 'a change that is about other connections',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    later: {
      atMs: 1000,
      rules: PUBLISHED_RULES.replace('COMMIT', '-A PREROUTING -p udp -j DNAT --to-destination 172.17.0.9\nCOMMIT'),
    },
    traffic: [
      ...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER),
      { ...data('eth0', CLIENT, PUBLISHED, { seq: 101, ack: 901, bytes: 5 }), atMs: 2000 },
    ],
  },
];

/** The rules change for something else, and a packet of a connection comes after that. */
const GOES_ON = [
  ...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER),
  { ...data('eth0', CLIENT, PUBLISHED, { seq: 101, ack: 901, bytes: 5 }), atMs: 2000 },
];
const withNew = (...ends: string[]): string =>
  PUBLISHED_RULES +
  rulesOf({ filter: [...FILTER, ...ends.map((end) => `-A FORWARD -m conntrack --ctstate NEW ${end}`)] });
const BANNING = withNew('-m set --match-set banned src -j DROP');
const BANNED = {
  host: hostWith(),
  rules: BANNING,
  sets: 'create banned hash:ip\n',
  later: { atMs: 1000, rules: BANNING.replace('COMMIT', '-A PREROUTING -p udp -j ACCEPT\nCOMMIT') },
  traffic: GOES_ON,
};

const CURRENT: DoctorCase[] = [
  {
    name: 'a connection goes on whose client is in a set by now',
    ...BANNED,
    laterCommand: { atMs: 900, command: 'ipset add banned 203.0.113.7' },
    finds: 'outdated-connection',
    packets: ['eth0:3'],
  },
  {
    name: 'a connection whose client was taken out of a set before it began',
    ...BANNED,
    sets: 'create banned hash:ip\nadd banned 203.0.113.7\n',
    laterCommand: { atMs: 50, command: 'ipset del banned 203.0.113.7' },
    traffic: [udp('eth0', '203.0.113.9:1', '192.0.2.10:1'), ...GOES_ON],
  },
  {
    name: 'a connection goes on that a program would accept again',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    later: { atMs: 1000, rules: withNew('-j NFQUEUE --queue-num 0') },
    nfqueue: 'accept',
    traffic: GOES_ON,
  },
  {
    name: 'a connection goes on, and nobody knows whether it would be let in again',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    later: { atMs: 1000, rules: withNew('-m ipvs --ipvs -j ACCEPT', '-j DROP') },
    lax: true,
    traffic: GOES_ON,
  },
];

const ONE_PORT = rulesOf({
  nat: [...PUBLISH.slice(0, 4), '-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 2000'],
});
const TABLE = (max: number) => hostWith(undefined, sysctl({ 'net.netfilter.nf_conntrack_max': max }));
const TWO = [...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER), syn('eth0', OTHER_CLIENT, PUBLISHED)];

const LIMITS: DoctorCase[] = [
  {
    name: 'two connections to one server, and one source port for both',
    host: hostWith(),
    rules: ONE_PORT,
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE), syn('docker0', '172.17.0.4:40000', ELSEWHERE, 50)],
    finds: 'nat-ports',
    packets: ['docker0:2'],
    lines: [6],
  },
  {
    name: 'two connections to different servers from one source port',
    host: hostWith(),
    rules: ONE_PORT,
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE), syn('docker0', '172.17.0.4:40000', '198.51.100.6:443')],
  },
  {
    name: 'a table with room for one connection',
    host: TABLE(1),
    rules: PUBLISHED_RULES,
    traffic: TWO,
    finds: 'table-full',
    packets: ['eth0:3'],
    says: /opens no connection: the table is full \(1 entry; nf_conntrack: table full, dropping packet\)/,
    change: /nf_conntrack_max=2/,
  },
  { name: 'a table with room for two', host: TABLE(2), rules: PUBLISHED_RULES, traffic: TWO },
];

const SHORT = { 'net.netfilter.nf_conntrack_udp_timeout': 1 };
const REGISTER = udp('docker0', '172.17.0.3:5000', '198.51.100.5:5000');
const CALL = udp('eth0', '198.51.100.5:5000', '192.0.2.10:5000');
const AT_HOME = rulesOf({
  nat: [...PUBLISH.slice(0, 4), MASQUERADE],
  filter: [...FILTER, '-A INPUT -i eth0 -m conntrack --ctstate NEW -j DROP'],
});

const FORGOTTEN: DoctorCase[] = [
  {
    name: 'a flow is used again after its time-out',
    host: hostWith(undefined, sysctl(SHORT)),
    rules: AT_HOME,
    traffic: [REGISTER, CALL, { ...CALL, atMs: 1500 }],
    finds: 'timed-out',
    packets: ['eth0:2'],
    lines: [12, 6],
    change: /^sysctl -w net\.netfilter\.nf_conntrack_udp_timeout=3, /,
  },
  {
    name: 'the same, where what is dropped is copied first: a copy tells its sender nothing',
    host: hostWith(undefined, sysctl(SHORT)),
    rules: AT_HOME + rulesOf({ mangle: ['-A INPUT -i eth0 -m conntrack --ctstate NEW -j TEE --gateway 172.17.0.9'] }),
    traffic: [REGISTER, CALL, { ...CALL, atMs: 1500 }],
    finds: 'timed-out',
    says: /: it is dropped$/,
  },
  {
    name: 'a flow is used again in time',
    host: hostWith(undefined, sysctl(SHORT)),
    rules: AT_HOME,
    traffic: [REGISTER, CALL, { ...CALL, atMs: 900 }],
  },
  {
    name: 'the client opens the flow again after its time-out',
    host: hostWith(undefined, sysctl(SHORT)),
    rules: AT_HOME,
    traffic: [REGISTER, CALL, { ...REGISTER, atMs: 1500 }],
  },
];

const UNSURE = rulesOf({
  nat: PUBLISH,
  filter: [...FILTER, '-A FORWARD -i docker0 -m ipvs --ipvs -j DROP'],
});

const LEFT_OUT: DoctorCase[] = [
  {
    name: 'a failure of packets that --show leaves out',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    show: 'host 192.0.2.1',
  },
  {
    name: 'packets of which the emulation is not sure',
    host: hostWith(),
    rules: UNSURE,
    lax: true,
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
  },
];

export const CONNECTIONS_CASES: readonly DoctorCase[] = [
  ...INVALID,
  ...ENTRIES,
  ...CURRENT,
  ...LIMITS,
  ...FORGOTTEN,
  ...LEFT_OUT,
];

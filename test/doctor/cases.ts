/**
 * For each check a case that shows its failure, and one that is near to it and must not be reported. What the kernel
 * does with the packets is in test/golden, pcaps and the random cases; here only what follows from it is told.
 */
import type { DoctorCode } from '../../explain/findings.js';
import {
  ack,
  type ClinicCase,
  data,
  handshake,
  hostWith,
  other,
  rst,
  rulesOf,
  syn,
  synAck,
  tooBig,
  udp,
} from './clinic.js';

export interface DoctorCase extends ClinicCase {
  readonly name: string;
  /** Undefined: nothing is found. */
  readonly finds?: DoctorCode;
  /** The packets that show it, and the lines of the rules, in order. */
  readonly packets?: readonly string[];
  readonly lines?: readonly number[];
  /** What its change contains. */
  readonly change?: RegExp;
}

const CLIENT = '203.0.113.7:50000';
const OTHER_CLIENT = '203.0.113.8:50000';
const PUBLISHED = '192.0.2.10:8080';
const CONTAINER = '172.17.0.3:80';
const ELSEWHERE = '198.51.100.5:443';

const PUBLISH = [
  ':PREROUTING ACCEPT [0:0]',
  ':INPUT ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':POSTROUTING ACCEPT [0:0]',
  '-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80',
];
/** The line of its DNAT in rules that begin with it. */
const DNAT_LINE = 6;
const MASQUERADE = '-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE';
const FILTER = [':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];
const PUBLISHED_RULES = rulesOf({ nat: [...PUBLISH, MASQUERADE] });

const sysctl = (settings: Record<string, number>) => ({ sysctl: settings });
const ROUTER = { eth0: '192.0.2.10/24', lan: '192.168.1.1/24' };

const FORWARDING: DoctorCase[] = [
  {
    name: 'a connection to a published port, with ip_forward off',
    host: hostWith(undefined, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: PUBLISHED_RULES,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'forwarding-off',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
    change: /^sysctl -w net\.ipv4\.ip_forward=1$/,
  },
  {
    name: 'rules that forward on a host that does not, without captures',
    host: hostWith(undefined, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: PUBLISHED_RULES,
    finds: 'forwarding-off',
    lines: [DNAT_LINE, 7],
  },
  {
    name: 'a host that does not forward, with nothing to forward',
    host: hostWith({ eth0: '192.0.2.10/24' }, sysctl({ 'net.ipv4.ip_forward': 0 })),
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'] }),
    traffic: [syn('eth0', CLIENT, '192.0.2.10:22')],
  },
];

const RESTARTED = [...FILTER, '-A INPUT -j ACCEPT', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'];

const DOCKER: DoctorCase[] = [
  {
    name: "Docker's network behind the rules of a distribution",
    host: hostWith(),
    rules: rulesOf({ filter: RESTARTED }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'docker-rules-gone',
    packets: ['docker0:1'],
    lines: [6],
  },
  {
    name: 'the same without captures, by a policy',
    host: hostWith(),
    rules: rulesOf({ filter: [':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'] }),
    finds: 'docker-rules-gone',
    lines: [3],
  },
  {
    name: "a Docker network with rules of its owner in place of Docker's",
    host: hostWith(),
    rules: rulesOf({ filter: [...FILTER, '-A FORWARD -i docker0 -p udp -j ACCEPT', '-A FORWARD -j REJECT'] }),
  },
  {
    name: 'rules that block forwarding on a host without Docker',
    host: hostWith(ROUTER),
    rules: rulesOf({ filter: RESTARTED }),
  },
];

const ORDER: DoctorCase[] = [
  {
    name: 'an ACCEPT that was appended behind the REJECT of all',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({
      filter: [
        ...FILTER,
        '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
        '-A INPUT -j REJECT --reject-with icmp-host-prohibited',
        '-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT',
      ],
    }),
    traffic: [syn('eth0', CLIENT, PUBLISHED), syn('eth0', CLIENT, PUBLISHED)],
    finds: 'accept-after-reject',
    packets: ['eth0:1', 'eth0:2'],
    lines: [6, 7],
    change: /^iptables -I INPUT 2 -p tcp -m tcp --dport 8080 -j ACCEPT$/,
  },
  {
    name: "the jump to Docker's chain behind another's REJECT",
    host: hostWith(),
    rules: rulesOf({
      nat: [...PUBLISH, MASQUERADE],
      filter: [
        ...FILTER,
        ':DOCKER - [0:0]',
        '-A FORWARD -i eth0 -j REJECT',
        '-A FORWARD -o docker0 -j ACCEPT',
        '-A FORWARD -i eth0 -o docker0 -j DOCKER',
        '-A DOCKER -d 172.17.0.3/32 -p tcp -m tcp --dport 80 -j ACCEPT',
      ],
    }).replace('-A FORWARD -o docker0 -j ACCEPT\n', ''),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'accept-after-reject',
    packets: ['eth0:1'],
    lines: [14, 15, 16],
    change: /^iptables -I FORWARD 1 -i eth0 -o docker0 -j DOCKER$/,
  },
  {
    name: 'a ban before the ACCEPT of a service',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({
      filter: [...FILTER, '-A INPUT -s 203.0.113.7/32 -j DROP', '-A INPUT -p tcp -m tcp --dport 8080 -j ACCEPT'],
    }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'a REJECT of all at the end, and another port accepted',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -j REJECT', '-A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT'] }),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
];

const LOCALLY_PUBLISHED = rulesOf({
  nat: PUBLISH.map((line) => line.replace('-d 192.0.2.10/32', '-d 127.0.0.1/32')),
  filter: [...FILTER, '-A INPUT -i eth0 -j DROP'],
});
const socket = (local: string) => ({ sockets: [{ proto: 'tcp', local }] });

const PUBLISHING: DoctorCase[] = [
  {
    name: 'a port that is published on 127.0.0.1 only',
    host: hostWith(),
    rules: LOCALLY_PUBLISHED,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'published-elsewhere',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
  },
  {
    name: 'a service that listens to another address',
    host: hostWith({ eth0: '192.0.2.10/24' }, socket('127.0.0.1:8080')),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', CLIENT, PUBLISHED), rst('local', PUBLISHED, CLIENT)],
    finds: 'published-elsewhere',
    packets: ['eth0:1'],
  },
  {
    name: 'a service of the host on the port that is published on 127.0.0.1',
    host: hostWith(undefined, socket('192.0.2.10:8080')),
    rules: LOCALLY_PUBLISHED.replace('-A INPUT -i eth0 -j DROP\n', ''),
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'another port is published on 127.0.0.1',
    host: hostWith(),
    rules: LOCALLY_PUBLISHED,
    traffic: [syn('eth0', CLIENT, '192.0.2.10:8081')],
  },
  {
    name: 'a container that answers with a RST',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [syn('eth0', CLIENT, PUBLISHED), rst('docker0', CONTAINER, CLIENT)],
    finds: 'not-listening',
    packets: ['eth0:1', 'docker0:1'],
    lines: [DNAT_LINE],
  },
  {
    name: 'a container that resets a connection which was open',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [...handshake('eth0', CLIENT, PUBLISHED, 'docker0', CONTAINER), rst('docker0', CONTAINER, CLIENT, 901)],
  },
  {
    name: 'a server elsewhere that refuses a container',
    host: hostWith(),
    rules: PUBLISHED_RULES,
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE), rst('eth0', ELSEWHERE, '192.0.2.10:40000')],
  },
];

const LAN_SERVER = '192.168.1.20:80';
const LAN_PUBLISH = PUBLISH.map((line) => line.replace('172.17.0.3', '192.168.1.20'));

const SOURCES: DoctorCase[] = [
  {
    name: 'a container that leaves with its own address',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'masquerade',
    packets: ['docker0:1'],
    change: /^iptables -t nat -A POSTROUTING -s 172\.17\.0\.0\/16 -o eth0 -j MASQUERADE$/,
  },
  {
    name: 'a MASQUERADE for another interface',
    host: hostWith(),
    rules: rulesOf({ nat: [...PUBLISH, MASQUERADE.replace('eth0', 'eth1')] }),
    traffic: [syn('docker0', '172.17.0.3:40000', ELSEWHERE)],
    finds: 'masquerade',
    packets: ['docker0:1'],
    lines: [7],
  },
  {
    name: 'somebody else translates what leaves: it is answered',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [
      syn('docker0', '172.17.0.3:40000', ELSEWHERE),
      synAck('eth0', ELSEWHERE, '172.17.0.3:40000'),
      syn('docker0', '172.17.0.3:40001', ELSEWHERE),
    ],
  },
  {
    name: 'a container that asks a private network',
    host: hostWith(),
    rules: rulesOf({ nat: PUBLISH }),
    traffic: [syn('docker0', '172.17.0.3:40000', '10.1.2.3:443')],
  },
  {
    name: 'a client that asks the public address of a server beside it',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: LAN_PUBLISH }),
    traffic: [syn('lan', '192.168.1.50:40000', PUBLISHED)],
    finds: 'hairpin',
    packets: ['lan:1'],
    lines: [DNAT_LINE],
    change: /^iptables -t nat -A POSTROUTING -s 192\.168\.1\.0\/24 -d 192\.168\.1\.20 -o lan -j MASQUERADE$/,
  },
  {
    name: 'the same, masqueraded',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: [...LAN_PUBLISH, '-A POSTROUTING -s 192.168.1.0/24 -o lan -j MASQUERADE'] }),
    traffic: [syn('lan', '192.168.1.50:40000', PUBLISHED), synAck('lan', LAN_SERVER, '192.168.1.1:40000')],
  },
  {
    name: 'a client elsewhere that asks the same server',
    host: hostWith(ROUTER),
    rules: rulesOf({ nat: LAN_PUBLISH }),
    traffic: handshake('eth0', CLIENT, PUBLISHED, 'lan', LAN_SERVER),
  },
];

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
    change: /nf_conntrack_max=2/,
  },
  { name: 'a table with room for two', host: TABLE(2), rules: PUBLISHED_RULES, traffic: TWO },
];

const UPLINKS = { eth0: '192.0.2.10/24', eth1: '198.51.100.10/24' };
const filtering = (rpFilter: number) => hostWith(UPLINKS, sysctl({ 'net.ipv4.conf.eth1.rp_filter': rpFilter }));
const FROM_ELSEWHERE = [syn('eth1', CLIENT, '198.51.100.10:22')];
const TO_LOOPBACK = rulesOf({ nat: PUBLISH.map((line) => line.replace('172.17.0.3:80', '127.0.0.1:8080')) });
const localnet = (on: number) => hostWith(undefined, sysctl({ 'net.ipv4.conf.eth0.route_localnet': on }));
const OWN_PUBLISH = PUBLISH.map((line) => line.replace('PREROUTING -d 192.0.2.10', 'OUTPUT -d 127.0.0.1'));
const OWN = [syn('local', '127.0.0.1:40000', '127.0.0.1:8080')];
const OUT_BY_DOCKER = '-A POSTROUTING -s 127.0.0.0/8 -o docker0 -j MASQUERADE';

const ADDRESSES: DoctorCase[] = [
  {
    name: 'a packet whose answer would leave by another interface, with rp_filter 1',
    host: filtering(1),
    rules: rulesOf({ filter: FILTER }),
    traffic: FROM_ELSEWHERE,
    finds: 'reverse-path',
    packets: ['eth1:1'],
    change: /^sysctl -w net\.ipv4\.conf\.eth1\.rp_filter=2/,
  },
  {
    name: 'the same with rp_filter 2',
    host: filtering(2),
    rules: rulesOf({ filter: FILTER }),
    traffic: FROM_ELSEWHERE,
  },
  {
    name: 'a port that is translated to 127.0.0.1',
    host: localnet(0),
    rules: TO_LOOPBACK,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
    finds: 'martian',
    packets: ['eth0:1'],
    lines: [DNAT_LINE],
    change: /^sysctl -w net\.ipv4\.conf\.eth0\.route_localnet=1/,
  },
  {
    name: 'the same with route_localnet',
    host: localnet(1),
    rules: TO_LOOPBACK,
    traffic: [syn('eth0', CLIENT, PUBLISHED)],
  },
  {
    name: 'a packet that has the host itself as its source',
    host: hostWith(),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('docker0', '192.0.2.10:40000', ELSEWHERE)],
    finds: 'martian',
    packets: ['docker0:1'],
  },
  {
    name: 'the host asks a published port at 127.0.0.1',
    host: hostWith(),
    rules: rulesOf({ nat: OWN_PUBLISH }),
    traffic: OWN,
    finds: 'loopback-source',
    packets: ['local:1'],
    lines: [DNAT_LINE],
    change: /route_localnet=1, and iptables -t nat -A POSTROUTING -s 127\.0\.0\.0\/8 -o docker0 -j MASQUERADE$/,
  },
  {
    name: 'the same, let out and masqueraded',
    host: hostWith(undefined, sysctl({ 'net.ipv4.conf.docker0.route_localnet': 1 })),
    rules: rulesOf({ nat: [...OWN_PUBLISH, OUT_BY_DOCKER] }),
    traffic: OWN,
  },
];

const BALANCER = { type: 'local', dst: '203.0.113.77', dev: 'eth0', table: 'local', protocol: '66', scope: 'host' };
const withLocalRoute = hostWith(undefined, {
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }, BALANCER],
});
const TWINS = { eth0: '192.0.2.10/24', eth1: '192.0.2.11/24' };

const PLACES: DoctorCase[] = [
  {
    name: 'a route of type local catches packets for a balancer',
    host: withLocalRoute,
    rules: rulesOf({ filter: [...FILTER, '-A INPUT -i docker0 -j DROP'] }),
    traffic: [syn('docker0', '172.17.0.3:40000', '203.0.113.77:80')],
    finds: 'wrong-interface',
    packets: ['docker0:1'],
    lines: [5],
    change: /^ip route del local 203\.0\.113\.77 dev eth0 table local/,
  },
  {
    name: 'the same address, published',
    host: withLocalRoute,
    rules: rulesOf({ nat: PUBLISH.map((line) => line.replace('192.0.2.10', '203.0.113.77')) }),
    traffic: handshake('eth0', CLIENT, '203.0.113.77:8080', 'docker0', CONTAINER),
  },
  {
    name: 'two interfaces with one network',
    host: hostWith(TWINS),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth1', '192.0.2.50:40000', '192.0.2.11:22')],
    finds: 'wrong-interface',
    packets: ['eth1:1'],
  },
  {
    name: 'the one of them by which answers leave',
    host: hostWith(TWINS),
    rules: rulesOf({ filter: FILTER }),
    traffic: [syn('eth0', '192.0.2.50:40000', '192.0.2.10:22')],
  },
];

const SERVICE = '192.0.2.10:443';
const LONG = data('local', SERVICE, CLIENT, { seq: 901, ack: 101, bytes: 1400 });
const SERVED = [syn('eth0', CLIENT, SERVICE), synAck('local', SERVICE, CLIENT), ack('eth0', CLIENT, SERVICE), LONG];
const NO_ICMP = [...FILTER, '-A INPUT -p icmp -m icmp --icmp-type echo-request -j ACCEPT', '-A INPUT -p icmp -j DROP'];
const SMALL = hostWith({ eth0: '192.0.2.10/24', wg0: '172.20.0.1/16' });
const smaller = {
  ...SMALL,
  addr: (SMALL.addr as { ifname: string }[]).map((one) => (one.ifname === 'wg0' ? { ...one, mtu: 1420 } : one)),
};
const OUTWARDS = [
  syn('wg0', '172.20.0.2:40000', ELSEWHERE),
  synAck('eth0', ELSEWHERE, '172.20.0.2:40000'),
  ack('wg0', '172.20.0.2:40000', ELSEWHERE),
];
const answerOf = (bytes: number) => data('eth0', ELSEWHERE, '172.20.0.2:40000', { seq: 901, ack: 101, bytes });

const PATHS: DoctorCase[] = [
  {
    name: 'a rule drops the ICMP error that tells the MTU of the path',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: NO_ICMP }),
    traffic: [...SERVED, tooBig('eth0', '203.0.113.1', '192.0.2.10', LONG)],
    finds: 'path-mtu',
    packets: ['eth0:3'],
    lines: [6],
    change: /^iptables -I INPUT 2 -p icmp -m icmp --icmp-type fragmentation-needed -j ACCEPT$/,
  },
  {
    name: 'the same error, about no connection',
    host: hostWith({ eth0: '192.0.2.10/24' }),
    rules: rulesOf({ filter: NO_ICMP }),
    traffic: [tooBig('eth0', '203.0.113.1', '192.0.2.10', LONG)],
  },
  {
    name: 'a server repeats a segment that does not fit',
    host: smaller,
    rules: rulesOf({ filter: FILTER }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1400)],
    finds: 'path-mtu',
    packets: ['eth0:2', 'eth0:3'],
    change: /TCPMSS --clamp-mss-to-pmtu/,
  },
  {
    name: 'a server that learns the MTU of the path',
    host: smaller,
    rules: rulesOf({ filter: FILTER }),
    traffic: [...OUTWARDS, answerOf(1400), answerOf(1300)],
  },
];

const STATEFUL = rulesOf({
  nat: [...PUBLISH.slice(0, 4), MASQUERADE],
  filter: [
    ':INPUT DROP [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A INPUT -p tcp -m multiport --dports 21,1723,5060 -j ACCEPT',
    '-A INPUT -p udp -m udp --dport 5060 -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -i docker0 -j ACCEPT',
  ],
});
const FTP = '192.0.2.10:21';
const PASSIVE = '227 Entering Passive Mode (192,0,2,10,195,80).\r\n';
const FTP_SESSION = [
  syn('eth0', CLIENT, FTP),
  synAck('local', FTP, CLIENT),
  ack('eth0', CLIENT, FTP),
  data('local', FTP, CLIENT, { seq: 901, ack: 101, text: PASSIVE }),
  syn('eth0', '203.0.113.7:50001', '192.0.2.10:50000'),
];
const INVITE = 'INVITE sip:b@192.0.2.10 SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 203.0.113.7\r\nm=audio 30000 RTP/AVP 0\r\n';

const HELPERS: DoctorCase[] = [
  {
    name: 'the answer of a TFTP server comes from another port',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      udp('docker0', '172.17.0.3:40000', '198.51.100.5:69'),
      udp('eth0', '198.51.100.5:50888', '192.0.2.10:40000'),
    ],
    finds: 'no-helper',
    packets: ['docker0:1', 'eth0:1'],
    lines: [6],
    change: /-p udp --dport 69 -j CT --helper tftp/,
  },
  {
    name: 'a data connection of passive FTP is dropped',
    host: hostWith(),
    rules: STATEFUL,
    traffic: FTP_SESSION,
    finds: 'no-helper',
    packets: ['local:2', 'eth0:3'],
    change: /-p tcp --dport 21 -j CT --helper ftp/,
  },
  {
    name: 'a call that SIP has announced is dropped',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      udp('eth0', '203.0.113.7:5060', '192.0.2.10:5060', INVITE),
      udp('local', '192.0.2.10:5060', '203.0.113.7:5060', INVITE.replace('30000', '31000')),
      udp('eth0', '203.0.113.7:30000', '192.0.2.10:31000'),
    ],
    finds: 'no-helper',
    packets: ['local:1', 'eth0:2'],
  },
  {
    name: "PPTP's tunnel is dropped",
    host: hostWith(),
    rules: STATEFUL,
    traffic: [
      syn('eth0', CLIENT, '192.0.2.10:1723'),
      synAck('local', '192.0.2.10:1723', CLIENT),
      other(
        'eth0',
        '203.0.113.7',
        '192.0.2.10',
        47,
        Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4),
      ),
    ],
    finds: 'no-helper',
  },
  {
    name: 'passive FTP with its ports open',
    host: hostWith(),
    rules: STATEFUL.replace('-A FORWARD -m', '-A INPUT -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n-A FORWARD -m'),
    traffic: FTP_SESSION,
  },
  {
    name: 'a dropped connection that FTP has not announced',
    host: hostWith(),
    rules: STATEFUL,
    traffic: [...FTP_SESSION.slice(0, 4), syn('eth0', '203.0.113.7:50001', '192.0.2.10:50001')],
  },
];

const share = (chances: readonly string[]) =>
  rulesOf({
    nat: [
      ...PUBLISH.slice(0, 4),
      ...chances.map(
        (chance, i) => `-A PREROUTING -p tcp -m tcp --dport 80 ${chance}-j DNAT --to-destination 172.17.0.${i + 2}:80`,
      ),
    ],
  });
const random = (probability: string) => `-m statistic --mode random --probability ${probability} `;
const nth = (every: number, packet: number) => `-m statistic --mode nth --every ${every} --packet ${packet} `;

const SHARES: DoctorCase[] = [
  {
    name: 'three times a third of what is left',
    host: hostWith(),
    rules: share([random('0.33333333349'), random('0.33333333349'), '']),
    finds: 'unequal-statistic',
    lines: [6, 7, 8],
    change: /--probability 0\.33333333333, --probability 0\.5, no statistic in the last/,
  },
  {
    name: 'every third of what is left',
    host: hostWith(),
    rules: share([nth(3, 0), nth(3, 1), nth(3, 2)]),
    finds: 'unequal-statistic',
    lines: [6, 7, 8],
    change: /--every 3 --packet 0, --every 2 --packet 0, no statistic in the last/,
  },
  {
    name: 'a third, half of the rest, the rest',
    host: hostWith(),
    rules: share([random('0.33333333349'), random('0.50000000000'), '']),
  },
  { name: 'a tenth for a trial', host: hostWith(), rules: share([random('0.10000000009'), '']) },
];

const BRIDGED = (settings: Record<string, number>) => ({
  ...hostWith({ eth0: '192.0.2.10/24', br0: '' }, sysctl(settings)),
  link: [
    { ifname: 'eth0', linkinfo: { info_kind: 'veth' } },
    { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
  ],
});
const CALLS = 'net.bridge.bridge-nf-call-iptables';
const CLOSED = [':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]'];

const BRIDGES: DoctorCase[] = [
  {
    name: 'what a bridge carries meets a policy of FORWARD',
    host: BRIDGED({ [CALLS]: 1 }),
    rules: rulesOf({ filter: CLOSED }),
    finds: 'bridge-netfilter',
    lines: [3],
    change: /^iptables -I FORWARD -i br0 -o br0 -j ACCEPT/,
  },
  { name: 'a bridge that rules do not see', host: BRIDGED({ [CALLS]: 0 }), rules: rulesOf({ filter: CLOSED }) },
  {
    name: 'a bridge with a rule of its own',
    host: BRIDGED({ [CALLS]: 1 }),
    rules: rulesOf({ filter: [...CLOSED, '-A FORWARD -i br0 -o br0 -j ACCEPT'] }),
  },
];

export const CASES: readonly DoctorCase[] = [
  ...FORWARDING,
  ...DOCKER,
  ...ORDER,
  ...PUBLISHING,
  ...SOURCES,
  ...INVALID,
  ...ENTRIES,
  ...LIMITS,
  ...ADDRESSES,
  ...PLACES,
  ...PATHS,
  ...HELPERS,
  ...SHARES,
  ...BRIDGES,
];

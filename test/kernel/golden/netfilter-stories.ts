/** Golden cases of unusual events in netfilter: refusals, errors, port clashes, and a well-known bypass. */
import { TCP_ACK, TCP_PSH } from '../../../codecs/layouts.js';
import { buildIcmp, buildIpv4 } from '../../packets/packets.js';
import { segment } from '../tcp-scene.js';
import { DOCKER_HOST, DOCKER_RULES, HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import {
  ask,
  complain,
  connect,
  datagram,
  deliver,
  from,
  type GoldenStory,
  knock,
  ping,
  query,
  session,
} from './story.js';

const rejectProhibited: GoldenStory = {
  name: 'reject-host-prohibited',
  protects:
    'REJECT --reject-with icmp-host-prohibited in INPUT and FORWARD: what it answers, and what it never answers',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* knock(stage, from('eth0', OUTSIDE, 50_000, HOST, 8081));
    yield* datagram(stage, from('eth0', OUTSIDE, 50_001, HOST, 161), 'public');
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, REDIS, 80));
    yield* datagram(stage, from('eth0', OUTSIDE, 50_003, '192.0.2.255', 137), 'anybody?');
    yield* ping(stage, from('eth0', OUTSIDE, 6, REDIS, 0));
  },
};

const rejectReset: GoldenStory = {
  name: 'reject-tcp-reset',
  protects: 'REJECT --reject-with tcp-reset: sequence numbers of the RST, about a SYN and about an ACK',
  host: DOCKER_HOST,
  rules: DOCKER_RULES.replaceAll('--reject-with icmp-host-prohibited', '--reject-with tcp-reset').replaceAll(
    '-j REJECT',
    '-p tcp -j REJECT',
  ),
  *tell(stage) {
    yield* knock(stage, from('eth0', OUTSIDE, 50_000, HOST, 8081));
    yield* knock(stage, from('eth0', OUTSIDE, 50_001, REDIS, 80));
    const stray = yield* connect(stage, from('eth0', OUTSIDE, 50_002, HOST, 8082));
    yield* segment(stray, stray.client, TCP_PSH | TCP_ACK, new TextEncoder().encode('hello'));
    yield* datagram(stage, from('eth0', OUTSIDE, 50_003, HOST, 161), 'not tcp');
  },
};

const outOfWindow: GoldenStory = {
  name: 'out-of-window-escape',
  protects: 'a segment far out of window is INVALID, skips NAT, and leaves with its private address or reaches INPUT',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* ask(redis, 'PING\r\n', '+PONG\r\n');
    yield* segment(redis, redis.client, TCP_PSH | TCP_ACK, new Uint8Array(4), { sequenceShift: 900_000_000 });
    yield* segment(redis, redis.server, TCP_PSH | TCP_ACK, new Uint8Array(4), { sequenceShift: 900_000_000 });
    yield* segment(redis, redis.server, TCP_ACK, new Uint8Array(0), { acknowledgmentShift: 900_000_000 });
    yield* ask(redis, 'PING\r\n', '+PONG\r\n');
  },
};

const icmpErrors: GoldenStory = {
  name: 'icmp-errors',
  protects: 'ICMP errors about translated flows, from inside and outside: both the outer packet and the quote change',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    const web = yield* connect(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443));
    yield* segment(web, web.client, TCP_PSH | TCP_ACK, new Uint8Array(1400));
    yield* complain(stage, 'eth0', '192.0.2.1', 3, 4, 1400);
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* segment(redis, redis.client, TCP_PSH | TCP_ACK, new Uint8Array(8));
    yield* complain(stage, 'docker0', REDIS, 3, 3);
    yield* datagram(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 53), 'anybody?');
    yield* complain(stage, 'eth0', WEB_SERVER, 3, 3);
    yield* ping(stage, from('docker0', REDIS, 12, WEB_SERVER, 0));
    yield* complain(stage, 'docker0', REDIS, 3, 1);
  },
};

const traceroute: GoldenStory = {
  name: 'traceroute',
  protects: 'TTL 1 is answered by the host itself, a time exceeded from further on is translated back',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    for (const ttl of [1, 2]) {
      const side = from('docker0', REDIS, 20, WEB_SERVER, 0);
      const { address: source, peerAddress: destination } = side;
      const echo = buildIpv4(
        { source, destination, protocol: 1, id: ttl, ttl },
        buildIcmp(8, 0, 20, ttl, stage.prng.bytes(32)),
      );
      yield* deliver(stage, side, echo);
    }
    yield* complain(stage, 'eth0', '192.0.2.1', 11, 0);
  },
};

const portClash: GoldenStory = {
  name: 'port-clash',
  protects: 'containers that use the same source port towards the same server: the next port of the range, then none',
  host: DOCKER_HOST,
  rules: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -p tcp -j SNAT --to-source 192.0.2.10:40000-40001
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -p udp -j SNAT --to-source 192.0.2.11
COMMIT
`,
  *tell(stage) {
    yield* connect(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443));
    yield* connect(stage, from('docker0', '172.17.0.4', 40_000, WEB_SERVER, 443));
    yield* connect(stage, from('docker0', '172.17.0.5', 40_000, WEB_SERVER, 443));
    yield* connect(stage, from('docker0', '172.17.0.5', 40_000, WEB_SERVER, 80));
    yield* query(stage, from('docker0', REDIS, 5353, WEB_SERVER, 53), 'one?', 'one');
    yield* query(stage, from('docker0', '172.17.0.4', 5353, '198.51.100.6', 53), 'two?', 'two');
  },
};

const udpAndPing: GoldenStory = {
  name: 'udp-and-ping',
  protects: 'UDP and echo through MASQUERADE: no ports, ids instead; a zero UDP checksum stays zero',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* query(stage, from('docker0', REDIS, 41_053, '192.0.2.53', 53), 'www.example.org?', '198.51.100.5');
    yield* ping(stage, from('docker0', REDIS, 77, WEB_SERVER, 0));
    yield* ping(stage, from('docker0', REDIS, 77, WEB_SERVER, 0), 2);
    yield* ping(stage, from('docker0', '172.17.0.4', 78, WEB_SERVER, 0));
    yield* datagram(stage, from('docker0', '172.17.0.4', 123, WEB_SERVER, 123), 'time?');
    yield* ping(stage, from('eth0', OUTSIDE, 79, REDIS, 0));
  },
};

const connectionMarks: GoldenStory = {
  name: 'connection-marks',
  protects: 'CONNMARK in the middle of a connection: rules that read the mark decide anew about both directions',
  host: DOCKER_HOST,
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j CONNMARK --restore-mark
-A FORWARD -i eth0 -m length --length 240 -j CONNMARK --set-xmark 0x1/0x1
-A FORWARD -i eth0 -m length --length 340 -j CONNMARK --set-xmark 0x0/0x1
-A FORWARD -i docker0 -m length --length 440 -j MARK --set-xmark 0x1/0x1
-A FORWARD -m mark --mark 0x1/0x1 -m length ! --length 340 -j CONNMARK --save-mark
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m connmark --mark 0x1/0x1 -m length --length 0:100 -j DROP
COMMIT
`,
  *tell(stage) {
    const talk = yield* connect(stage, from('eth0', OUTSIDE, 50_000, REDIS, 6379));
    const { client, server } = talk;
    const send = (side: typeof client, bytes: number) => segment(talk, side, TCP_PSH | TCP_ACK, new Uint8Array(bytes));
    const both = function* () {
      for (let i = 0; i < 3; i++) {
        yield* send(client, 8);
        yield* send(server, 16);
      }
    };
    yield* both();
    yield* send(client, 200);
    yield* both();
    yield* send(client, 300);
    yield* both();
    yield* send(server, 400);
    yield* both();
  },
};

const redirect: GoldenStory = {
  name: 'redirect',
  protects: 'REDIRECT: to the address of the interface that a packet came in by, to 127.0.0.1 for what the host sends',
  host: DOCKER_HOST,
  rules: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
-A PREROUTING -i docker0 -p udp -m udp --dport 53 -j REDIRECT
-A OUTPUT -d 198.51.100.5/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128
COMMIT
`,
  *tell(stage) {
    yield* session(stage, from('eth0', OUTSIDE, 50_000, HOST, 80), 'GET /\r\n', 'hello\r\n');
    yield* session(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 80), 'GET /\r\n', 'from the proxy\r\n');
    yield* query(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 53), 'www.example.org?', '198.51.100.5');
    yield* knock(stage, from('local', HOST, 40_002, WEB_SERVER, 80));
    yield* query(stage, from('docker0', REDIS, 40_003, WEB_SERVER, 123), 'time?', 'noon');
  },
};

export const NETFILTER_STORIES: readonly GoldenStory[] = [
  rejectProhibited,
  rejectReset,
  outOfWindow,
  icmpErrors,
  traceroute,
  portClash,
  udpAndPing,
  connectionMarks,
  redirect,
];

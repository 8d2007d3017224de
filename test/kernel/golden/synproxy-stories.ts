/** SYNPROXY: handshakes with cookies, and numbers that differ between its two sides. */
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../../codecs/layouts.js';
import { tcpPacket } from '../../packets/packets.js';
import type { HostDescription } from '../host-description.js';
import type { Output } from '../router.js';
import { type Scene, type Shot, type Stage, shotOf } from '../scene.js';
import { from, type GoldenStory } from './story.js';

const CLIENT = '203.0.113.7';
const SERVER = '10.1.0.2';
const PORT = 443;

const GUARD: HostDescription = {
  addr: [
    ['wan', '192.0.2.10'],
    ['dmz', '10.1.0.1'],
  ].map(([ifname, local], i) => ({
    ifname,
    address: `02:00:00:00:00:1${i}`,
    mtu: 1500,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  })),
  route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'wan' }],
  sysctl: { 'net.netfilter.nf_conntrack_tcp_loose': 0 },
};

const OFFER = '--sack-perm --timestamp --wscale 7 --mss 1460';
const GUARD_RULES = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i wan -p tcp -m tcp --dport 443 --tcp-flags FIN,SYN,RST,ACK SYN -j CT --notrack
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -i wan -p tcp -m tcp --dport 443 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY ${OFFER}
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`;

/** What is seen of a segment. */
interface Seen {
  sequence: number;
  /** Its timestamp; 0 if it has none. */
  time: number;
}

type Telling<T = void> = Generator<Shot, T, Output[]>;

interface Sent {
  flags: number;
  sequence: number;
  acknowledgment?: number;
  options?: readonly number[];
  window?: number;
  data?: string;
}

/** Sends a segment from the client at PORT, or else from the server; returns what left the host for the client. */
function* send(stage: Stage, port: number, isClient: boolean, sent: Sent): Telling<Seen | undefined> {
  const [source, destination] = isClient ? [CLIENT, SERVER] : [SERVER, CLIENT];
  const [sport, dport] = isClient ? [port, PORT] : [PORT, port];
  const packet = tcpPacket({
    ...{ source, destination, sport, dport, id: 5, fragment: 0x4000 },
    flags: sent.flags,
    sequence: sent.sequence,
    acknowledgment: sent.acknowledgment ?? 0,
    window: sent.window ?? 502,
    data: new TextEncoder().encode(sent.data ?? ''),
    tcpOptions: Uint8Array.from(sent.options ?? []),
  });
  const outputs = yield shotOf(stage, from(isClient ? 'wan' : 'dmz', source, sport, destination, dport), packet);
  const answer = outputs.find(({ dev }) => dev === 'wan');
  if (answer === undefined) return undefined;
  const view = new DataView(answer.frame.buffer, answer.frame.byteOffset + 14);
  return { sequence: view.getUint32(24), time: timestampOf(view) };
}

/** The time in the TCP options of the packet in VIEW: behind MSS and SACK, or two NOPs. */
function timestampOf(view: DataView): number {
  const end = 20 + (view.getUint8(32) >> 4) * 4;
  for (let at = 40; at + 10 <= end; at++) {
    if (view.getUint16(at) === 0x080a) return view.getUint32(at + 2);
  }
  return 0;
}

const word = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
const times = (value: number, echo: number): number[] => [1, 1, 8, 10, ...word(value), ...word(echo)];
const mss = (value: number): number[] => [2, 4, value >> 8, value & 0xff];
const [SACK_PERMITTED, SCALED_BY_6] = [
  [4, 2],
  [1, 3, 3, 6],
];

/** A browser with all options: handshake, a request, a lost segment of the reply with SACK, and the end. */
function* browser(stage: Stage, port: number): Scene {
  const [mine, theirs] = [1_000_000, 4_000_000_000];
  const syn = [...mss(1400), ...SACK_PERMITTED, 8, 10, ...word(700), ...word(0), ...SCALED_BY_6];
  const cookie = yield* send(stage, port, true, { flags: TCP_SYN, sequence: mine, options: syn, window: 64_240 });
  if (cookie === undefined) throw new Error('there is no SYN/ACK');
  const { sequence: proxied, time } = cookie;
  const client = (flags: number, from: number, to: number, more: Partial<Sent> = {}) =>
    send(stage, port, true, {
      ...{ flags, sequence: mine + from, acknowledgment: proxied + to, options: times(701 + from, time) },
      ...more,
    });
  const server = (flags: number, from: number, to: number, more: Partial<Sent> = {}) =>
    send(stage, port, false, {
      ...{ flags, sequence: theirs + from, acknowledgment: mine + to, options: times(90_000 + from, 701 + to) },
      ...more,
    });
  yield* client(TCP_ACK, 1, 1);
  // The request overtakes the server's answer: it is another acknowledgment of the cookie.
  yield* client(TCP_PSH | TCP_ACK, 1, 1, { data: 'GET /' });
  const reply = [...mss(1300), ...SACK_PERMITTED, 8, 10, ...word(90_000), ...word(702), 1, 3, 3, 8];
  yield* server(TCP_SYN | TCP_ACK, 0, 1, { options: reply, window: 28_000 });
  yield* client(TCP_PSH | TCP_ACK, 1, 1, { data: 'GET /' });
  yield* server(TCP_ACK, 1, 6);
  yield* server(TCP_PSH | TCP_ACK, 1, 6, { data: '0123' });
  yield* server(TCP_PSH | TCP_ACK, 5, 6, { data: '4567' });
  const block = [1, 1, 5, 10, ...word(proxied + 5), ...word(proxied + 9)];
  yield* client(TCP_ACK, 6, 1, { options: [...times(710, time + 5), ...block] });
  yield* server(TCP_PSH | TCP_ACK, 1, 6, { data: '0123' });
  yield* client(TCP_ACK, 6, 9);
  yield* server(TCP_FIN | TCP_ACK, 9, 6);
  yield* client(TCP_FIN | TCP_ACK, 6, 10);
  yield* server(TCP_ACK, 10, 7);
}

/** An old client without timestamps, whose server refuses; then it sends a wrong acknowledgment. */
function* refused(stage: Stage, port: number): Scene {
  const sequence = 77_000;
  const cookie = yield* send(stage, port, true, { flags: TCP_SYN, sequence, options: mss(536) });
  const acknowledgment = (cookie?.sequence ?? 0) + 1;
  yield* send(stage, port, true, { flags: TCP_ACK, sequence: sequence + 1, acknowledgment });
  yield* send(stage, port, false, { flags: TCP_RST | TCP_ACK, sequence: 0, acknowledgment: sequence + 1 });
  yield* send(stage, port, true, { flags: TCP_ACK, sequence: sequence + 1, acknowledgment: acknowledgment + 99 });
}

/** A flood: SYNs that nobody follows up, and an acknowledgment out of nowhere. */
function* flood(stage: Stage): Scene {
  for (let port = 50_000; port < 50_005; port++) {
    yield* send(stage, port, true, { flags: TCP_SYN, sequence: port, options: mss(1460) });
  }
  yield* send(stage, 50_009, true, { flags: TCP_ACK, sequence: 9, acknowledgment: 99 });
}

export const SYNPROXY_STORIES: readonly GoldenStory[] = [
  {
    name: 'synproxy',
    protects: 'SYNPROXY: cookies, the handshake with the server, and sequence numbers, SACK and timestamps after it',
    host: GUARD,
    rules: GUARD_RULES,
    *tell(stage) {
      yield* browser(stage, 40_001);
      yield* refused(stage, 40_002);
      yield* flood(stage);
    },
  },
];

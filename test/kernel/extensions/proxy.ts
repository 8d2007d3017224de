/**
 * SYNPROXY, in cases of its own: other extensions can read the cookies, which only the kernel can make. Its clients and
 * servers answer what they saw, and so acknowledge the kernel's cookies.
 */
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../../codecs/layouts.js';
import { tcpPacket } from '../../packets/packets.js';
import type { Prng } from '../prng.js';
import { sideOf } from '../random-flow.js';
import type { Output } from '../router.js';
import { type Scene, type Shot, type Side, type Stage, shotOf } from '../scene.js';
import type { ExtensionFamily } from './maker.js';

const PORT = 4433;

interface Segment {
  readonly side: Side;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly options?: readonly number[];
  readonly data?: number;
}

interface Seen {
  /** The one that saw it, and its answers. */
  readonly side: Side;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  /** The value of its timestamp; undefined if it has none. */
  readonly time: number | undefined;
}

type Telling<T> = Generator<Shot, T, Output[]>;

/** Sends SEGMENT; returns what was seen because of it, in order. */
function* send(stage: Stage, segment: Segment): Telling<Seen[]> {
  const { side, flags, sequence, acknowledgment, options = [], data = 0 } = segment;
  const padding = Array.from({ length: -options.length & 3 }, () => 1);
  const packet = tcpPacket({
    source: side.address,
    destination: side.peerAddress,
    id: 1 + stage.prng.below(65_535),
    sport: side.port,
    dport: side.peerPort,
    flags,
    sequence: sequence >>> 0,
    acknowledgment: acknowledgment >>> 0,
    window: stage.prng.pick([502, 64_240]),
    tcpOptions: Uint8Array.from([...options, ...padding]),
    data: stage.prng.bytes(data),
  });
  const outputs: Output[] = yield shotOf(stage, side, packet);
  return outputs.flatMap(({ dev, frame }) => seenIn(dev, Buffer.from(dev === 'local' ? frame : frame.subarray(14))));
}

function seenIn(dev: string, packet: Buffer): Seen[] {
  const l4 = (packet[0] & 15) * 4;
  if (packet[9] !== 6 || packet.length < l4 + 20) return [];
  const options = packet.subarray(l4 + 20, l4 + (packet[l4 + 12] >> 4) * 4);
  const at = options.indexOf(Uint8Array.of(8, 10));
  const side = {
    dev,
    address: packet.readUInt32BE(16),
    port: packet.readUInt16BE(l4 + 2),
    peerAddress: packet.readUInt32BE(12),
    peerPort: packet.readUInt16BE(l4),
  };
  const [sequence, acknowledgment] = [packet.readUInt32BE(l4 + 4), packet.readUInt32BE(l4 + 8)];
  return [
    { side, sequence, acknowledgment, flags: packet[l4 + 13], time: at < 0 ? undefined : options.readUInt32BE(at + 2) },
  ];
}

const word = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
const timestamp = (value: number, echo: number): number[] => [1, 1, 8, 10, ...word(value), ...word(echo)];
const isSyn = ({ flags }: Seen): boolean => (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
const isSynAck = ({ flags }: Seen): boolean => (flags & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK);

function synOptions(prng: Prng, hasTime: boolean): number[] {
  return [
    ...(prng.chance(0.8) ? [2, 4, ...word(prng.pick([100, 536, 1300, 1400, 1440, 1460, 9000])).slice(2)] : []),
    ...(prng.chance(0.6) ? [4, 2] : []),
    ...(hasTime ? [8, 10, ...word(prng.word()), ...word(0)] : []),
    ...(prng.chance(0.6) ? [1, 3, 3, prng.below(16)] : []),
  ];
}

/** A client and its server, which the proxy connects: handshake, data in both directions, and the end. */
function* proxiedConnection(stage: Stage): Scene {
  const { prng, world } = stage;
  const client: Side = { ...sideOf(prng, world, 6, 0), peerPort: PORT };
  // Two SYNs of a client with one number but other options would have cookies that nobody can tell apart.
  const mine = prng.pick([0xffffffff - prng.below(0x4000), prng.word()]);
  const theirs = prng.pick([0xffffffff, prng.word()]);
  const hasTime = prng.chance(0.6);
  const ecn = prng.chance(0.2) ? TCP_ECE | TCP_CWR : 0;
  const syn = {
    side: client,
    flags: TCP_SYN | ecn,
    sequence: mine,
    acknowledgment: 0,
    options: synOptions(prng, hasTime),
  };
  const cookie = (yield* send(stage, syn)).find(isSynAck);
  if (cookie === undefined || prng.chance(0.1)) return;
  const { sequence: proxied, time } = cookie;
  let now = prng.word();
  const fromClient = (flags: number, at: number, to: number, more: Partial<Segment> = {}): Telling<Seen[]> =>
    send(stage, {
      ...{ side: client, flags, sequence: mine + at, acknowledgment: proxied + to },
      ...{ options: time === undefined ? [] : timestamp(++now, time), ...more },
    });
  const opened = (yield* fromClient(TCP_ACK, 1, 1)).find(isSyn);
  if (opened === undefined) return;
  for (let left = prng.below(3); left > 0; left--) {
    if (prng.chance(0.4)) yield* fromClient(TCP_ACK, 0, 1);
    else yield* fromClient(TCP_PSH | TCP_ACK, 1, 1 + (prng.chance(0.2) ? prng.below(5) : 0), { data: 9 });
  }
  const fromServer = (flags: number, at: number, to: number, more: Partial<Segment> = {}): Telling<Seen[]> =>
    send(stage, {
      ...{ side: opened.side, flags, sequence: theirs + at, acknowledgment: opened.sequence + to },
      ...{ options: opened.time === undefined ? [] : timestamp(++now, opened.time), ...more },
    });
  if (prng.chance(0.1)) {
    yield* fromServer(TCP_RST | TCP_ACK, 0, 1);
    return;
  }
  const reply = [2, 4, 5, 0x14, ...(opened.time === undefined ? [] : [8, 10, ...word(++now), ...word(opened.time)])];
  yield* fromServer(TCP_SYN | TCP_ACK, 0, 1, {
    options: prng.chance(0.5) ? [...reply, 1, 3, 3, prng.below(15)] : reply,
  });
  yield* conversation(prng, fromClient, fromServer, proxied);
}

type Sender = (flags: number, at: number, to: number, more?: Partial<Segment>) => Telling<Seen[]>;

/** Data, selective acknowledgments, and the end. PROXIED: the server's first number as the client knows it. */
function* conversation(prng: Prng, fromClient: Sender, fromServer: Sender, proxied: number): Telling<void> {
  let [sent, received] = [1, 1];
  for (let left = prng.between(1, 8); left > 0; left--) {
    const data = prng.between(1, 30);
    switch (prng.below(5)) {
      case 0:
        yield* fromClient(TCP_PSH | TCP_ACK, sent, received, { data });
        sent += data;
        break;
      case 1:
        yield* fromServer(TCP_PSH | TCP_ACK, received, sent, { data });
        received += data;
        break;
      case 2: {
        const lost = received;
        yield* fromServer(TCP_PSH | TCP_ACK, lost + 4, sent, { data });
        const block = [proxied + lost + 4, proxied + lost + 4 + data].flatMap(word);
        yield* fromClient(TCP_ACK, sent, lost, { options: [1, 1, 5, 10, ...block] });
        yield* fromServer(TCP_PSH | TCP_ACK, lost, sent, { data: 4 });
        received += data + 4;
        break;
      }
      case 3:
        yield* fromClient(TCP_ACK, sent, received + (prng.chance(0.2) ? prng.pick([-1, 1, 3, 100_000]) : 0));
        break;
      default:
        yield* fromServer(prng.chance(0.1) ? TCP_RST : TCP_ACK, received, sent);
    }
  }
  if (prng.chance(0.3)) return;
  yield* fromServer(TCP_FIN | TCP_ACK, received, sent);
  yield* fromClient(TCP_FIN | TCP_ACK, sent, received + 1);
  yield* fromServer(TCP_ACK, received + 1, sent + 1);
}

function synproxyRule(prng: Prng, state: string): string {
  const offer = [
    ...(prng.chance(0.7) ? ['--sack-perm'] : []),
    ...(prng.chance(0.7) ? ['--timestamp'] : []),
    ...(prng.chance(0.7) ? [`--wscale ${prng.below(15)}`] : []),
    ...(prng.chance(0.7) ? [`--mss ${prng.pick([536, 1200, 1460, 9000])}`] : []),
    ...(prng.chance(0.2) ? ['--ecn'] : []),
  ];
  return `-m multiport --dports ${PORT} ${state}-j SYNPROXY ${offer.join(' ')}`.trim();
}

export const PROXY: ExtensionFamily = {
  name: 'proxy',
  isAlone: true,
  matches: [],
  targets: [
    {
      name: 'SYNPROXY',
      weight: 6,
      tables: ['filter', 'mangle'],
      hooks: ['INPUT', 'FORWARD'],
      protocol: 'tcp',
      make: ({ prng }) => synproxyRule(prng, '-m conntrack --ctstate INVALID,UNTRACKED '),
    },
    {
      // In INPUT, such a rule would take the SYN to the host itself for another client's.
      name: 'SYNPROXY',
      weight: 1,
      tables: ['filter', 'mangle'],
      hooks: ['FORWARD'],
      protocol: 'tcp',
      make: ({ prng }) => synproxyRule(prng, ''),
    },
    {
      name: 'NOTRACK',
      weight: 3,
      tables: ['raw'],
      hooks: ['PREROUTING'],
      protocol: 'tcp',
      make: () => `-m multiport --dports ${PORT} -j CT --notrack`,
    },
  ],
  scenes: [[1, proxiedConnection]],
  unreached: { SYNPROXY: 'which has a profile of its own, synproxy' },
};

/** TCP conversations: from well-behaved ones to segments outside any window. */
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../../codecs/layouts.js';
import { buildIpv4, buildTcp, type TcpFields, withChecksum } from '../packets/packets.js';
import type { Prng } from './prng.js';
import type { Output } from './router.js';
import {
  arrival,
  arrivedPacket,
  type Scene,
  type Shot,
  type Side,
  type Stage,
  shotOf,
  untranslatedPeer,
} from './scene.js';
import { leftToCard } from './virtio-header.js';

/** One end of a connection, with what it has sent and seen. */
export interface End {
  side: Side;
  /** The next sequence number to send, and the next one expected from the peer. */
  next: number;
  expected: number;
  window: number;
  /** The window scale that it offers; -1: none. */
  scale: number;
  sack: boolean;
  timestamps: boolean;
  /** The MSS that it announces. */
  mss: number;
  /** The MSS that its peer has heard of, after the rules; 0: none yet. */
  heardMss: number;
}

export interface Connection {
  stage: Stage;
  client: End;
  server: End;
  /** The server has seen a packet from the client, so its view includes the host's NAT. */
  isSeen: boolean;
  /** The host itself answered (RST, ICMP error). */
  isRefused: boolean;
}

type Step<T = void> = Generator<Shot, T, Output[]>;

/** Deviations of a segment from what its sender should send. */
interface Deviation extends Partial<TcpFields> {
  sequenceShift?: number;
  acknowledgmentShift?: number;
  checksumError?: number;
  ttl?: number;
  fragment?: number;
  /** How much of the segment is present. */
  cutTo?: number;
  /** Its checksum is left to the network card. */
  isLeftToCard?: boolean;
}

export function openConnection(stage: Stage, side: Side): Connection {
  const { prng } = stage;
  const end = (of: Side): End => ({
    side: of,
    next: prng.chance(0.1) ? 0xfffffff0 + prng.below(16) : prng.word(),
    expected: 0,
    window: prng.pick([65_535, 64_240, 29_200, 8192, 4096, 1024]),
    scale: prng.chance(0.5) ? prng.pick([0, 2, 7, 10, 14, 15]) : -1,
    sack: prng.chance(0.5),
    timestamps: prng.chance(0.3),
    mss: 1460,
    heardMss: 0,
  });
  return {
    stage,
    client: end(side),
    server: end(untranslatedPeer(stage.world, side)),
    isSeen: false,
    isRefused: false,
  };
}

/** Sends FLAGS and DATA from FROM, and updates the state of both ends if it arrives. */
export function* segment(
  connection: Connection,
  from: End,
  flags: number,
  data: Uint8Array = new Uint8Array(0),
  deviation: Deviation = {},
): Step<boolean> {
  const { stage } = connection;
  const to = from === connection.client ? connection.server : connection.client;
  const { side } = from;
  const sequence = (from.next + (deviation.sequenceShift ?? 0)) >>> 0;
  const hasAck = (flags & TCP_ACK) !== 0;
  const packet = withChecksum(
    buildIpv4(
      {
        source: side.address,
        destination: side.peerAddress,
        protocol: 6,
        id: 1 + stage.prng.below(65_535),
        fragment: deviation.fragment ?? (stage.prng.chance(0.7) ? 0x4000 : 0),
        ttl: deviation.ttl ?? 64,
        tos: stage.prng.chance(stage.oddity) ? stage.prng.below(256) : 0,
      },
      buildTcp({
        sport: side.port,
        dport: side.peerPort,
        sequence,
        acknowledgment: hasAck ? from.expected + (deviation.acknowledgmentShift ?? 0) : 0,
        flags,
        window: from.window,
        options: optionsOf(from, flags, stage.prng),
        data,
        ...deviation,
      }).subarray(0, deviation.cutTo),
    ),
    deviation.checksumError,
  );
  const outputs = yield shotOf(stage, side, deviation.isLeftToCard ? leftToCard(packet) : packet);
  const seen = arrival(packet, outputs);
  const length = data.length + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
  if (deviation.sequenceShift === undefined && deviation.checksumError === undefined)
    from.next = (from.next + length) >>> 0;
  if (seen === null) {
    if (outputs.length > 0) connection.isRefused = true;
    return false;
  }
  // A peer that has heard one SYN does not take another MSS from its retransmission.
  if ((flags & TCP_SYN) !== 0 && from.heardMss === 0)
    from.heardMss = mssOf(arrivedPacket(packet, outputs)?.packet ?? packet);
  if (from === connection.client && !connection.isSeen) {
    connection.isSeen = true;
    to.side = seen;
  }
  if (deviation.sequenceShift === undefined) to.expected = (sequence + length) >>> 0;
  return true;
}

/** The MSS in the SYN PACKET; without the option, what is meant then (RFC 9293, section 3.7.1). */
function mssOf(packet: Buffer): number {
  const l4 = (packet[0] & 15) * 4;
  const end = Math.min(packet.length, l4 + (packet[l4 + 12] >> 4) * 4);
  for (let at = l4 + 20; at + 4 <= end && packet[at] !== 0; at += packet[at] === 1 ? 1 : Math.max(2, packet[at + 1])) {
    if (packet[at] === 2) return packet.readUInt16BE(at + 2);
  }
  return 536;
}

/** The options of a SYN, or timestamps and SACK blocks of a later segment. */
function optionsOf(end: End, flags: number, prng: Prng): Uint8Array {
  const options: number[] = [];
  if (flags & TCP_SYN) {
    options.push(2, 4, end.mss >> 8, end.mss & 255);
    if (end.sack) options.push(4, 2, 1, 1);
    if (end.scale >= 0) options.push(3, 3, end.scale, 1);
  }
  if (end.timestamps) options.push(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
  if (!(flags & TCP_SYN) && end.sack && prng.chance(0.25)) {
    const left = (end.expected + prng.pick([10, 100, 1000, 70_000])) >>> 0;
    const right = (left + prng.pick([10, 500, 1460])) >>> 0;
    options.push(1, 1, 5, 10, ...words(left), ...words(right));
  }
  return Uint8Array.from(options);
}

const words = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** SYN, SYN/ACK, ACK; returns whether the handshake was completed. */
export function* handshake(connection: Connection): Step<boolean> {
  const { client, server, stage } = connection;
  if (!(yield* segment(connection, client, TCP_SYN))) return false;
  if (stage.prng.chance(0.1)) yield* segment(connection, client, TCP_SYN, undefined, { sequenceShift: -1 });
  if (!(yield* segment(connection, server, TCP_SYN | TCP_ACK))) return false;
  return yield* segment(connection, client, TCP_ACK);
}

/** Requests and answers, each acknowledged. */
function* talk(connection: Connection, rounds: number): Step {
  const { client, server, stage } = connection;
  for (let i = 0; i < rounds; i++) {
    yield* segment(connection, client, TCP_PSH | TCP_ACK, dataOf(stage.prng));
    yield* segment(connection, server, TCP_PSH | TCP_ACK, dataOf(stage.prng));
    if (stage.prng.chance(0.6)) yield* segment(connection, client, TCP_ACK);
  }
}

const dataOf = (prng: Prng): Uint8Array =>
  prng.bytes(
    prng.weighted([
      [6, prng.below(40)],
      [1, prng.below(600)],
      [0.3, 1400],
    ]),
  );

/** Both sides close. */
function* close(connection: Connection): Step {
  const { client, server, stage } = connection;
  const [first, second] = stage.prng.chance(0.6) ? [client, server] : [server, client];
  const how = stage.prng.weighted([
    [5, 'fin'],
    [2, 'rst'],
    [1, 'both'],
    [1, 'half'],
  ] as const);
  if (how === 'rst') {
    yield* segment(connection, first, stage.prng.pick([TCP_RST, TCP_RST | TCP_ACK]));
    return;
  }
  yield* segment(connection, first, TCP_FIN | TCP_ACK);
  if (how === 'half') {
    yield* segment(connection, second, TCP_PSH | TCP_ACK, dataOf(stage.prng));
    return;
  }
  if (how === 'fin') yield* segment(connection, second, TCP_ACK);
  yield* segment(connection, second, TCP_FIN | TCP_ACK);
  yield* segment(connection, first, TCP_ACK);
}

/** A whole connection without faults. */
export function* wholeConnection(stage: Stage, side: Side): Scene {
  const connection = openConnection(stage, side);
  if (!(yield* handshake(connection)) && stage.prng.chance(0.8)) return;
  yield* talk(connection, stage.prng.below(4));
  if (stage.prng.chance(0.8)) yield* close(connection);
  if (!stage.prng.chance(0.2)) return;
  // Reuse the same ports soon after.
  if (yield* handshake(connection)) yield* talk(connection, 1);
}

/** A connection that starts normally, or without a handshake, and continues with segments of any kind. */
export function* wildConnection(stage: Stage, side: Side): Scene {
  const { prng } = stage;
  const connection = openConnection(stage, side);
  const { client, server } = connection;
  const start = prng.weighted([
    [6, 'handshake'],
    [2, 'syn'],
    [2, 'pickup'],
    [1, 'crossing'],
    [1, 'nothing'],
  ] as const);
  if (start === 'handshake') yield* handshake(connection);
  else if (start === 'syn') yield* segment(connection, client, TCP_SYN);
  else if (start === 'pickup') {
    yield* segment(connection, client, TCP_PSH | TCP_ACK, prng.bytes(20));
    if (prng.chance(0.7)) yield* segment(connection, server, TCP_ACK);
  } else if (start === 'crossing') {
    yield* segment(connection, client, TCP_SYN);
    yield* segment(connection, server, TCP_SYN);
    yield* segment(connection, client, TCP_SYN | TCP_ACK, undefined, { sequenceShift: -1 });
    if (prng.chance(0.7)) yield* segment(connection, server, TCP_SYN | TCP_ACK, undefined, { sequenceShift: -1 });
  }
  for (let left = prng.between(2, 12); left > 0; left--) yield* anySegment(connection);
}

/** One segment from either side: often in order, sometimes far from it. */
function* anySegment(connection: Connection): Step {
  const { stage, client, server } = connection;
  const { prng } = stage;
  const from = prng.chance(0.5) ? client : server;
  const flags = prng.weighted(FLAGS);
  const data: Uint8Array = prng.chance(0.5) && !(flags & TCP_SYN) ? dataOf(prng) : new Uint8Array(0);
  const deviation: Deviation = {};
  if (prng.chance(0.35)) deviation.sequenceShift = shift(prng, from.window);
  if (prng.chance(0.25)) deviation.acknowledgmentShift = shift(prng, from.window);
  if (prng.chance(0.15)) deviation.window = prng.pick([0, 0, 1, 100, 65_535]);
  if (prng.chance(0.05)) from.window = prng.pick([0, 512, 4096, 65_535]);
  if (prng.chance(stage.oddity)) oddity(prng, deviation);
  yield* segment(connection, from, flags, data, deviation);
}

const FLAGS: readonly (readonly [number, number])[] = [
  [8, TCP_ACK],
  [8, TCP_ACK | TCP_PSH],
  [3, TCP_FIN | TCP_ACK],
  [2, TCP_SYN],
  [2, TCP_SYN | TCP_ACK],
  [1.5, TCP_RST],
  [1.5, TCP_RST | TCP_ACK],
  [0.5, TCP_FIN],
  [0.5, TCP_ACK | TCP_URG],
  [0.3, TCP_SYN | TCP_PSH],
  [0.2, TCP_SYN | TCP_FIN],
  [0.2, TCP_SYN | TCP_RST],
  [0.2, 0],
  [0.2, TCP_FIN | TCP_PSH | TCP_URG],
  [0.2, TCP_ACK | 0xc0],
  [0.2, TCP_SYN | 0xc0],
  [0.1, 0xff],
];

/** The distance of a sequence number from the expected one. */
function shift(prng: Prng, window: number): number {
  return prng.weighted([
    [4, -prng.between(1, 60)],
    [3, prng.between(1, 60)],
    [1, -1],
    [1, 1],
    [1, window],
    [1, window + prng.between(1, 5)],
    [1, window * 2 + 100],
    [1, -window],
    [1, -window - prng.between(1, 100)],
    [1, -66_000 - prng.between(-2, 70_000)],
    [1, prng.word() | 0],
  ]);
}

function oddity(prng: Prng, deviation: Deviation): void {
  const kind = prng.below(6);
  if (kind === 0) deviation.checksumError = prng.between(1, 0xfffe);
  else if (kind === 1) deviation.dataOffsetWords = prng.pick([0, 4, 5, 6, 15]);
  else if (kind === 2) deviation.cutTo = prng.pick([0, 3, 4, 8, 12, 19, 20]);
  else if (kind === 3) deviation.ttl = prng.pick([0, 1, 1, 2]);
  else if (kind === 4) deviation.options = prng.bytes(prng.below(20));
  else deviation.fragment = prng.pick([0x8000, 0x4000]);
}

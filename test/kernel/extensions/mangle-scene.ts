/** Conversations for the matches and targets of mangle.ts: SYNs with all kinds of options, SCTP, DCCP, IPsec, TOS. */
import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_SYN } from '../../../codecs/layouts.js';
import { buildIpv4, buildTcp, buildUdp, fragmentsOf, type Ipv4Fields, withChecksum } from '../../packets/packets.js';
import { buildChunk } from '../../packets/sctp.js';
import type { Prng } from '../prng.js';
import { sideOf } from '../random-flow.js';
import type { Output } from '../router.js';
import { type Scene, type Shot, type Side, type Stage, shotOf, untranslatedPeer } from '../scene.js';
import { chunks, openAssociation } from '../sctp-scene.js';
import { type Connection, openConnection, segment } from '../tcp-scene.js';

type Step = Generator<Shot, void, Output[]>;

/** Indexes of which rules and packets have the same. */
export const SPIS = [0, 1, 2, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff];
export const MSS_VALUES = [0, 1, 88, 536, 1220, 1400, 1440, 1452, 1459, 1460, 1461, 8960, 65_495, 65_535];
export const TCP_OPTION_KINDS = [2, 3, 4, 5, 8, 19, 30, 69, 254];
export const CHUNK_TYPES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 64, 128, 130, 132, 192, 193, 194];

/** SYNs and SYN/ACKs, and a few other segments, with options in any order, whole and broken. */
export function* optionConversation(stage: Stage): Scene {
  const { prng } = stage;
  const connection = openConnection(stage, sideOf(prng, stage.world, 6, 0.05));
  const { client, server } = connection;
  client.mss = prng.pick(MSS_VALUES);
  server.mss = prng.pick(MSS_VALUES);
  for (let left = prng.between(1, 3); left > 0; left--) yield* optionSegment(connection, client, TCP_SYN);
  if (prng.chance(0.7)) yield* optionSegment(connection, server, TCP_SYN | TCP_ACK);
  if (prng.chance(0.5)) yield* optionSegment(connection, client, TCP_ACK);
  if (prng.chance(0.3)) yield* optionSegment(connection, server, TCP_ACK);
}

function* optionSegment(connection: Connection, from: Connection['client'], base: number): Step {
  const { prng, oddity } = connection.stage;
  const flags = prng.chance(0.25) ? base | prng.pick([TCP_ECE, TCP_CWR, TCP_ECE | TCP_CWR]) : base;
  const data = prng.chance(0.15) ? prng.bytes(prng.between(1, 30)) : new Uint8Array(0);
  const options = prng.chance(0.8) ? randomOptions(prng, from.mss) : undefined;
  const isOdd = prng.chance(oddity * 4);
  yield* segment(connection, from, flags, data, {
    ...(options === undefined ? {} : { options }),
    ...(isOdd && prng.chance(0.5) ? { dataOffsetWords: prng.pick([0, 4, 5, 6, 7, 10, 15]) } : {}),
    ...(isOdd && prng.chance(0.5) ? { cutTo: prng.pick([12, 19, 20, 22, 24, 27]) } : {}),
  });
}

/** Segments whose header is in several fragments, and which a target rewrites. */
export function* fragmentedSegments(stage: Stage): Scene {
  const { prng } = stage;
  const client = sideOf(prng, stage.world, 6, 0.05);
  for (let left = prng.between(1, 3); left > 0; left--) {
    const { address, peerAddress, port, peerPort } = client;
    const base = prng.chance(0.8) ? TCP_SYN : TCP_ACK;
    const tcp = buildTcp({
      ...{ sport: port, dport: peerPort, sequence: prng.word(), acknowledgment: base === TCP_ACK ? prng.word() : 0 },
      flags: base | prng.pick([0, TCP_ECE, TCP_ECE | TCP_CWR]),
      options: randomOptions(prng, prng.pick(MSS_VALUES)),
      data: prng.chance(0.4) ? prng.bytes(prng.between(1, 60)) : new Uint8Array(0),
    });
    const header = { source: address, destination: peerAddress, protocol: 6, id: 1 + prng.below(65_535) };
    const packet = withChecksum(buildIpv4({ ...header, fragment: prng.chance(0.3) ? 0x4000 : 0 }, tcp));
    const sizes = Array.from({ length: prng.between(1, 3) }, () => 8 * prng.between(1, 6));
    for (const piece of fragmentsOf(packet, sizes)) yield shotOf(stage, client, piece);
  }
}

/** Up to 40 bytes. */
function randomOptions(prng: Prng, mss: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = prng.below(6); left > 0; left--) bytes.push(...randomOption(prng, mss));
  return Uint8Array.from(bytes.slice(0, prng.chance(0.1) ? prng.below(41) : 40));
}

function randomOption(prng: Prng, mss: number): number[] {
  return prng.weighted<() => number[]>([
    [5, () => [2, 4, mss >> 8, mss & 255]],
    [2, () => [1]],
    [1, () => [3, 3, prng.below(15)]],
    [1, () => [4, 2]],
    [1, () => [8, 10, 0, 0, 0, 1, 0, 0, 0, 0]],
    [1, () => [5, 10, 0, 0, 0, 1, 0, 0, 0, 9]],
    [1, () => [prng.pick(TCP_OPTION_KINDS), prng.between(2, 6), ...prng.bytes(4)]],
    [0.5, () => [2, prng.pick([0, 1, 2, 3, 5, 40, 255]), ...prng.bytes(2)]],
    [0.3, () => [prng.pick(TCP_OPTION_KINDS), prng.pick([0, 1, 200])]],
    [0.3, () => [0]],
  ])();
}

/** Packets with one or several chunks, whole and broken. */
export function* chunkConversation(stage: Stage): Scene {
  const { prng } = stage;
  const association = openAssociation(stage, sideOf(prng, stage.world, 132, 0));
  const { client, server } = association;
  for (let left = prng.between(2, 6); left > 0; left--) {
    const contents = Array.from({ length: prng.between(1, 3) }, () => {
      const isOdd = prng.chance(stage.oddity * 3);
      const length = isOdd ? prng.pick([0, 1, 3, 5, 200]) : undefined;
      return buildChunk(prng.pick(CHUNK_TYPES), prng.below(16), prng.bytes(prng.below(9)), length);
    });
    yield* chunks(association, prng.chance(0.7) ? client : server, contents);
  }
}

/** DCCP packets of all types, with options. */
export function* dccpConversation(stage: Stage): Scene {
  yield* exchange(stage, 33, (from) => dccpPacket(stage.prng, from, stage.oddity));
}

/** How much follows the generic header with a short sequence number, by type. */
const DCCP_FOLLOWING = [4, 12, 0, 8, 8, 8, 8, 12, 8, 8, 12, 12, 12, 12, 12, 12];

function dccpPacket(prng: Prng, { port, peerPort }: Side, oddity: number): Buffer {
  const type = prng.below(16);
  const isLong = prng.chance(0.5);
  const fixed = 12 + (isLong ? 4 : 0) + DCCP_FOLLOWING[type];
  const options = Array.from({ length: 4 * prng.below(4) }, () => prng.pick([0, 1, 2, 3, 4, 32, 44, 255]));
  const packet = Buffer.alloc(fixed + options.length + prng.below(5));
  packet.writeUInt16BE(port, 0);
  packet.writeUInt16BE(peerPort, 2);
  packet[4] = prng.chance(oddity * 3) ? prng.pick([0, 2, 3, 5, 20, 255]) : (fixed + options.length) / 4;
  packet[8] = (type << 1) | (isLong ? 1 : 0);
  packet.set(options, fixed);
  return prng.chance(oddity * 2) ? packet.subarray(0, prng.pick([4, 8, 11, 12, 16, 20])) : packet;
}

/** AH, ESP and IPComp packets. */
export function* ipsecConversation(stage: Stage): Scene {
  const { prng, oddity } = stage;
  const protocol = prng.pick([50, 51, 108]);
  yield* exchange(stage, protocol, () => {
    const packet = Buffer.alloc(24);
    const spi = prng.pick(SPIS);
    packet.writeUInt32BE(spi, protocol === 51 ? 4 : 0);
    if (protocol === 108) packet.writeUInt16BE(spi & 0xffff, 2);
    return prng.chance(oddity * 2) ? packet.subarray(0, prng.pick([0, 3, 4, 7, 8, 11, 12])) : packet;
  });
}

/** Datagrams with any TOS and TTL. */
export function* tosConversation(stage: Stage): Scene {
  const { prng } = stage;
  const fields = (): Partial<Ipv4Fields> => ({
    tos: prng.pick([0, 1, 2, 3, 0x10, 0x1c, 0x28, 0x2e, 0xb8, 0xff]),
    ttl: prng.pick([1, 2, 3, 5, 63, 64, 250, 254, 255]),
  });
  yield* exchange(stage, 17, ({ port, peerPort }) => buildUdp(port, peerPort, prng.bytes(prng.below(40))), fields);
}

/** A few packets in both directions, sometimes in fragments. */
function* exchange(
  stage: Stage,
  protocol: number,
  build: (from: Side) => Buffer,
  fields: () => Partial<Ipv4Fields> = () => ({}),
): Step {
  const { prng } = stage;
  const client = sideOf(prng, stage.world, protocol, 0.05);
  const server = untranslatedPeer(stage.world, client);
  for (let left = prng.between(2, 6); left > 0; left--) {
    const from = prng.chance(0.7) ? client : server;
    const header = { source: from.address, destination: from.peerAddress, protocol, id: 1 + prng.below(65_535) };
    const made = buildIpv4({ ...header, ...fields() }, build(from));
    const packet = protocol === 17 ? withChecksum(made) : made;
    const pieces = packet.length > 36 && prng.chance(0.08) ? fragmentsOf(packet, [8]) : [packet];
    for (const piece of pieces) yield shotOf(stage, from, piece);
  }
}

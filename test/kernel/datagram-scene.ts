/** Conversations without a handshake: UDP, echo and the other ICMP queries, and protocols that have no ports. */
import { buildIcmp, buildIpv4, buildUdp, type Ipv4Fields, withChecksum } from '../packets/packets.js';
import { buildInit, buildSctp } from '../packets/sctp.js';
import type { Prng } from './prng.js';
import type { Output } from './router.js';
import { arrival, type Scene, type Shot, type Side, type Stage, shotOf, untranslatedPeer } from './scene.js';
import type { World } from './world.js';

type Build = (from: Side, isReply: boolean, turn: number) => Buffer;

/** TURNS packets in both directions. The peer answers what it saw, once it has seen something. */
function* exchange(stage: Stage, side: Side, turns: number, build: Build): Scene {
  let peer = untranslatedPeer(stage.world, side);
  let isSeen = false;
  for (let turn = 0; turn < turns; turn++) {
    const isReply = turn > 0 && stage.prng.chance(0.45);
    if (isReply && !isSeen && stage.prng.chance(0.7)) return;
    const from = isReply ? peer : side;
    const packet = build(from, isReply, turn);
    const outputs: Output[] = yield shotOf(stage, from, packet);
    const seen = arrival(packet, outputs);
    if (seen !== null && !isReply && !isSeen) {
      peer = seen;
      isSeen = true;
    }
  }
}

/** IP header fields for a packet from FROM, rarely with unusual values. */
function header(stage: Stage, from: Side, protocol: number): Ipv4Fields {
  const { prng } = stage;
  const fields: Ipv4Fields = {
    source: from.address,
    destination: from.peerAddress,
    protocol,
    id: 1 + prng.below(65_535),
    ttl: prng.chance(stage.oddity * 0.3) ? prng.pick([0, 1, 1, 2]) : prng.pick([64, 128, 255]),
    tos: prng.chance(0.15) ? prng.below(256) : 0,
    fragment: prng.chance(0.3) ? 0x4000 : 0,
  };
  if (!prng.chance(stage.oddity)) return fields;
  return { ...fields, ...headerOddity(stage) };
}

/** Valid options, and invalid headers. */
function headerOddity({ prng, world }: Stage): Partial<Ipv4Fields> {
  return prng.weighted<Partial<Ipv4Fields>>([
    [1, { checksumError: prng.between(1, 0xfffe) }],
    [1, { headerWords: prng.pick([4, 6, 15]) }],
    [1, { totalLength: prng.pick([10, 19, 20, 24, 1400]) }],
    [0.5, { version: prng.pick([0, 5, 15]) }],
    [1, { options: Uint8Array.of(1, 1, 1, 0) }],
    [2, { options: Uint8Array.of(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0) }],
    [1, { options: Uint8Array.of(7, 7, 8, 1, 2, 3, 4) }],
    // Timestamp options are full: into others the kernel would write the time of day.
    [0.5, { options: Uint8Array.of(68, 8, 9, 0x10, 0, 0, 0, 1) }],
    [0.5, { options: Uint8Array.of(68, 12, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0) }],
    [1, { options: sourceRoute(prng, 131, world) }],
    [0.5, { options: sourceRoute(prng, 137, world) }],
    [0.5, { options: Uint8Array.of(148, 4, 0, 0) }],
    [0.5, { options: prng.bytes(prng.between(1, 12)) }],
    [1, { fragment: 0x8000 }],
  ]);
}

/** A source route (TYPE) by hops that exist, at any of them. */
function sourceRoute(prng: Prng, type: number, { parties }: World): Uint8Array {
  const hops = Array.from({ length: prng.between(1, 3) }, () => prng.pick(parties).address);
  const pointer = prng.pick([4, 4, 4, 8, 12, 5]);
  const bytes = hops.flatMap((hop) => [hop >>> 24, (hop >>> 16) & 0xff, (hop >>> 8) & 0xff, hop & 0xff]);
  return Uint8Array.of(type, 3 + bytes.length, pointer, ...bytes);
}

function payload(stage: Stage): Uint8Array {
  const { prng } = stage;
  return prng.bytes(
    prng.weighted([
      [8, prng.below(60)],
      [2, prng.below(600)],
      [1, prng.between(900, 1472)],
    ]),
  );
}

export function* udpConversation(stage: Stage, side: Side): Scene {
  const { prng } = stage;
  const hasChecksum = !prng.chance(0.15);
  yield* exchange(stage, side, prng.between(1, 7), (from) => {
    const data = payload(stage);
    const isOdd = prng.chance(stage.oddity);
    const claimed =
      isOdd && prng.chance(0.4) ? prng.pick([0, 4, 7, 8, data.length + 9, data.length + 4]) : 8 + data.length;
    const datagram = buildUdp(from.port, from.peerPort, data, claimed);
    const cut = isOdd && prng.chance(0.3) ? datagram.subarray(0, prng.pick([0, 3, 4, 7])) : datagram;
    const packet = buildIpv4(header(stage, from, 17), cut);
    const isSummed = hasChecksum && cut.length >= 8 && (packet[0] & 15) * 4 + 8 <= packet.length;
    return isSummed ? withChecksum(packet, isOdd && prng.chance(0.4) ? prng.between(1, 0xfffe) : 0) : packet;
  });
}

/** Queries and their replies: echo, timestamp, information, address mask. */
export function* icmpConversation(stage: Stage, side: Side): Scene {
  const { prng } = stage;
  const [request, reply] = prng.weighted([
    [10, [8, 0]],
    [1, [13, 14]],
    [1, [15, 16]],
    [1, [17, 18]],
  ] as const);
  const data = payload(stage);
  yield* exchange(stage, side, prng.between(1, 6), (from, isReply, turn) => {
    const isOdd = prng.chance(stage.oddity);
    const type =
      isOdd && prng.chance(0.4) ? prng.pick([0, 1, 2, 6, 9, 10, 12, 14, 19, 30, 200]) : isReply ? reply : request;
    const code = isOdd && prng.chance(0.3) ? prng.below(20) : 0;
    const error = isOdd && prng.chance(0.4) ? prng.between(1, 0xfffe) : 0;
    const message = buildIcmp(type, code, from.port, turn, data, error);
    const cut = isOdd && prng.chance(0.2) ? message.subarray(0, prng.below(8)) : message;
    return buildIpv4(header(stage, from, 1), cut);
  });
}

/** GRE, IP in IP, UDP-Lite, SCTP, DCCP, ESP and unknown protocols. */
export function* oddConversation(stage: Stage, side: Side): Scene {
  const { prng } = stage;
  const protocol = prng.weighted([
    [3, 47],
    [2, 4],
    [2, 136],
    [1, 132],
    [1, 33],
    [1, 50],
    [1, 253],
    [0.5, 2],
    [0.5, 0],
    [0.5, 255],
  ] as const);
  const build = ODD_CONTENTS[protocol] ?? ((_from: Side, random: Prng) => Buffer.from(random.bytes(20)));
  yield* exchange(stage, side, prng.between(1, 5), (from) => {
    const packet = buildIpv4(header(stage, from, protocol), build(from, prng));
    const hasHeader = (packet[0] & 15) * 4 + 8 <= packet.length;
    return protocol === 136 && hasHeader ? withChecksum(packet, 0, prng.chance(0.7) ? 17 : 136) : packet;
  });
}

const ODD_CONTENTS: Record<number, (from: Side, prng: Prng) => Buffer> = {
  // IP in IP: a datagram in a datagram.
  4: (from) =>
    buildIpv4({ source: from.address, destination: from.peerAddress, protocol: 17 }, buildUdp(1, 2, new Uint8Array(4))),
  // GRE: plain, with a key, or version 1 (PPTP) with a call ID.
  47: (_from, prng) =>
    Buffer.from(
      prng.pick([
        [0, 0, 8, 0, 69, 0, 0, 0],
        [0x20, 0, 8, 0, 0, 0, 0, 7, 1, 2, 3, 4],
        [0x20, 1, 0x88, 0x0b, 0, 4, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4],
      ]),
    ),
  // One chunk that asks for tag 1; whole associations are in sctp-scene.ts.
  132: (from, prng) => buildSctp(from.port, from.peerPort, 0, [buildInit(prng.pick([1, 2, 10, 11, 0]), 1)]),
  136: (from, prng) => buildUdp(from.port, from.peerPort, prng.bytes(12), 0),
  33: (from) => {
    const packet = Buffer.alloc(16);
    packet.writeUInt16BE(from.port, 0);
    packet.writeUInt16BE(from.peerPort, 2);
    packet[4] = 4;
    return packet;
  },
};

/** One stray packet: a martian, a broadcast or a multicast. */
export function* strayPacket(stage: Stage, side: Side, packet: Buffer): Generator<Shot, void, Output[]> {
  yield shotOf(stage, side, packet);
}

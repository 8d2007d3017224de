/** Fragmented datagrams: in order, out of order, duplicated, overlapping, or with a fragment missing. */
import {
  buildIcmp,
  buildIpv4,
  buildTcp,
  buildUdp,
  fragmentOf,
  fragmentsOf,
  withChecksum,
  withHeaderChecksum,
} from '../packets/packets.js';
import type { Prng } from './prng.js';
import type { Output } from './router.js';
import { arrival, type Scene, type Side, type Stage, shotOf, untranslatedPeer } from './scene.js';

/** A few fragmented datagrams in both directions. */
export function* fragmentedConversation(stage: Stage, side: Side, protocol: 1 | 6 | 17): Scene {
  const { prng } = stage;
  let peer = untranslatedPeer(stage.world, side);
  let isSeen = false;
  for (let turn = prng.between(1, 3); turn > 0; turn--) {
    const isReply = isSeen && prng.chance(0.5);
    const from = isReply ? peer : side;
    const whole = datagram(stage, from, protocol, isReply);
    const outputs: Output[] = [];
    for (const fragment of arranged(prng, whole)) {
      const out: Output[] = yield shotOf(stage, from, fragment);
      outputs.push(...out);
    }
    const seen = arrival(whole, outputs);
    if (seen !== null && !isReply && !isSeen) {
      peer = seen;
      isSeen = true;
    }
  }
}

/**
 * More than this, fragmented for a small MTU, overflows the kernel's queue for a neighbour that it does not know yet.
 */
const LARGEST_DATA = 5000;

function datagram(stage: Stage, from: Side, protocol: 1 | 6 | 17, isReply: boolean): Buffer {
  const { prng } = stage;
  const data = prng.bytes(
    prng.weighted([
      [5, prng.between(16, 200)],
      [3, prng.between(200, 1400)],
      [1, prng.between(1481, 3000)],
      [0.1, LARGEST_DATA],
    ]),
  );
  const contents = {
    1: () => buildIcmp(isReply ? 0 : 8, 0, from.port, 1, data),
    6: () => buildTcp({ sport: from.port, dport: from.peerPort, sequence: 1000, flags: isReply ? 0x12 : 2, data }),
    17: () => buildUdp(from.port, from.peerPort, data),
  };
  const packet = buildIpv4(
    {
      source: from.address,
      destination: from.peerAddress,
      protocol,
      id: 1 + prng.below(65_535),
      tos: prng.chance(0.2) ? prng.below(256) : 0,
      fragment: prng.chance(0.15) ? 0x4000 : 0,
      ...(prng.chance(0.1) ? { options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 1) } : {}),
      ...(prng.chance(0.1) ? { options: Uint8Array.of(148, 4, 0, 0) } : {}),
    },
    contents[protocol](),
  );
  if (protocol === 1 || (protocol === 17 && prng.chance(0.2))) return packet;
  return withChecksum(packet, prng.chance(stage.oddity) ? 5 : 0);
}

/** The fragments of WHOLE as they arrive: at most MAX bytes each, in some order, with some faults. */
function arranged(prng: Prng, whole: Buffer): Buffer[] {
  const payloadLength = whole.length - (whole[0] & 15) * 4;
  const sizes =
    payloadLength > 6000 ? [1400] : Array.from({ length: 4 }, () => prng.pick([8, 16, 24, 64, 200, 512, 1200]));
  // The last size applies to all further fragments, and is large so that there are only few.
  sizes.push(Math.min(1400, Math.max(64, (payloadLength >> 5) << 3)));
  const inOrder = fragmentsOf(whole, sizes);
  let fragments = prng.weighted([
    [5, inOrder],
    [2, [...inOrder].reverse()],
    [3, prng.shuffled(inOrder)],
  ]);
  if (prng.chance(0.25)) fragments = withFault(prng, whole, fragments);
  return fragments;
}

function withFault(prng: Prng, whole: Buffer, fragments: Buffer[]): Buffer[] {
  const at = prng.below(fragments.length);
  const victim = Buffer.from(fragments[at]);
  const payloadLength = whole.length - (whole[0] & 15) * 4;
  switch (prng.below(8)) {
    case 0: // one is missing
      return fragments.filter((_, i) => i !== at);
    case 1: // one comes twice
      return [...fragments.slice(0, at), victim, ...fragments.slice(at)];
    case 2: {
      // a fragment that overlaps others
      const start = prng.below(Math.max(1, payloadLength >> 3)) << 3;
      return [
        ...fragments.slice(0, at),
        fragmentOf(whole, start, 24, start + 24 < payloadLength),
        ...fragments.slice(at),
      ];
    }
    case 3: // TTL, TOS or ECN of one differ
      victim[8] = prng.pick([1, 2, 200]);
      break;
    case 4:
      victim[1] = prng.pick([1, 2, 3, 0x10]);
      break;
    case 5: // DF on a fragment
      victim[6] |= 0x40;
      break;
    case 6: // the last one says that more follow, or a middle one that none do
      victim[6] ^= 0x20;
      break;
    default: // beyond 65535 bytes
      victim.writeUInt16BE((victim.readUInt16BE(6) & 0xe000) | 0x1fff, 6);
  }
  return fragments.map((fragment, i) => (i === at ? withHeaderChecksum(victim) : fragment));
}

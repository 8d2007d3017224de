/** ICMP errors about earlier output packets, sent by their receiver or by a router on the path. */
import { buildIcmp, buildIpv4 } from '../packets/packets.js';
import type { Prng } from './prng.js';
import { type Scene, type Stage, shotOf } from './scene.js';

/** Sends errors about up to COUNT recent packets. */
export function* complaints(stage: Stage, count: number): Scene {
  for (let i = 0; i < count; i++) {
    if (stage.seen.length === 0) return;
    yield complaint(stage);
  }
}

function complaint(stage: Stage): ReturnType<typeof shotOf> {
  const { prng, world } = stage;
  const { dev, packet } = prng.pick(stage.seen);
  const source = packet.length >= 20 ? packet.readUInt32BE(12) : 0;
  const destination = packet.length >= 20 ? packet.readUInt32BE(16) : 0;
  const others = world.parties.filter((party) => party.dev === dev);
  const complainer = prng.chance(0.6) || others.length === 0 ? destination : prng.pick(others).address;
  const [type, code, word] = kindOf(prng);
  const isOdd = prng.chance(stage.oddity);
  const message = buildIcmp(type, code, 0, word, quoteOf(prng, packet), isOdd && prng.chance(0.4) ? 77 : 0);
  const to = isOdd && prng.chance(0.4) ? prng.pick(world.parties).address : source;
  const error = buildIpv4(
    {
      source: complainer,
      destination: to,
      protocol: 1,
      id: 1 + prng.below(65_535),
      ttl: 60,
      tos: prng.pick([0, 0xc0]),
    },
    message,
  );
  return shotOf(stage, { dev, address: complainer }, error);
}

/** Type, code and the lower half of the second word. */
function kindOf(prng: Prng): readonly [number, number, number] {
  return prng.weighted([
    [4, [3, prng.pick([0, 1, 2, 3, 3, 3, 5, 9, 10, 13, 15]), 0]],
    [3, [3, 4, prng.pick([1400, 576, 68, 0])]],
    [3, [11, prng.below(2), 0]],
    [1, [12, 0, 0]],
    [0.5, [4, 0, 0]],
    [0.5, [5, prng.below(4), 1]],
  ] as const);
}

/** The packet that an error quotes: mostly the header and 8 bytes, or all; sometimes less, or something else. */
function quoteOf(prng: Prng, packet: Buffer): Buffer {
  const headerLength = (packet[0] & 15) * 4;
  const quote = Buffer.from(
    packet.subarray(
      0,
      prng.weighted([
        [5, headerLength + 8],
        [5, 548],
        [1, headerLength],
        [1, headerLength + prng.below(8)],
        [1, headerLength + 20],
        [0.3, prng.below(20)],
      ]),
    ),
  );
  if (quote.length >= 20 && prng.chance(0.1)) quote[8] = prng.below(64);
  if (quote.length >= 28 && prng.chance(0.05)) quote[prng.between(12, 27)] ^= 1;
  return quote;
}

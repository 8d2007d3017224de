/** Matches on any byte of packets (string, u32, bpf), and targets that hash or only label them. */
import { buildIpv4, buildUdp, fragmentsOf, withChecksum } from '../../packets/packets.js';
import type { Prng } from '../prng.js';
import { sideOf } from '../random-flow.js';
import { type Scene, type Stage, shotOf } from '../scene.js';
import { type ExtensionFamily, not } from './maker.js';

/** Few letters, so that texts contain each other. The last ones are special if case is ignored. */
const LETTERS = [0x61, 0x41, 0x62, 0x42, 0x20, 0xe9, 0xdf, 0xff];

const letters = (prng: Prng, length: number): Uint8Array => Uint8Array.from({ length }, () => prng.pick(LETTERS));

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function stringMatch(prng: Prng): string {
  const pattern = prng.chance(0.7) ? letters(prng, prng.between(1, 4)) : prng.bytes(1);
  const from = prng.weighted([
    [5, 0],
    [2, 28],
    [3, prng.below(80)],
  ]);
  const to = prng.weighted([
    [4, 65_535],
    [1, from + pattern.length],
    [1, from + pattern.length - 1],
    [3, from + prng.below(60)],
  ]);
  const words = [`${not(prng)}--hex-string "|${hexOf(pattern)}|"`, `--algo ${prng.pick(['bm', 'kmp'])}`];
  if (from !== 0) words.push(`--from ${from}`);
  if (to !== 65_535) words.push(`--to ${to}`);
  if (prng.chance(0.4)) words.push('--icase');
  return `-m string ${words.join(' ')}`;
}

const anyNumber = (prng: Prng): number =>
  prng.weighted([
    [4, prng.below(64)],
    [1, prng.below(0x10000)],
    [1, prng.word()],
  ]);

function u32Test(prng: Prng): string {
  const location = prng.weighted([
    [2, `${prng.pick([0, 4, 6, 8, 12, 16, 20])}`],
    [2, `${prng.below(50)}&${prng.pick(['0xff', '0xffff', '1', '0xf0'])}`],
    [1, `6&0xff${prng.pick(['', '<<24', '>>1'])}`],
    [2, `0>>22&0x3c@${prng.pick([0, 2, 4, 8, 12])}${prng.pick(['', '>>16', '&0xffff'])}`],
    [1, `0>>22&0x3c@12>>26&0x3c@${prng.below(12)}`],
    [1, `${anyNumber(prng)}@${anyNumber(prng)}`],
    [1, `${prng.below(40)}>>${prng.below(32)}`],
  ]);
  const range = (): string =>
    prng.weighted([
      [2, `0:0x${prng.word().toString(16)}`],
      [2, `${prng.pick([1, 6, 17, 50])}`],
      [1, `0x${anyNumber(prng).toString(16)}`],
      [2, `1:0xffff`],
    ]);
  return `${location}=${Array.from({ length: prng.between(1, 3) }, range).join(',')}`;
}

type Line = readonly [code: number, k: number];

/** Loads something, computes with it, and compares it. */
function bpfMatch(prng: Prng): string {
  const offset = (): number =>
    prng.weighted<number>([
      [6, prng.below(40)],
      [1, 0xfff00000 + prng.below(40)],
      [1, prng.below(1500)],
    ]);
  const load = (): Line =>
    prng.pick<Line>([
      [0x20, offset()],
      [0x28, offset()],
      [0x30, offset()],
      [0x30, 9],
      [0x48, offset()],
      [0x50, offset()],
      [0x80, 0],
      [0x20, 0xfffff000 + 4 * prng.pick([0, 1, 5, 10])],
    ]);
  const index = prng.pick<Line>([
    [0xb1, 0],
    [0x01, prng.below(70)],
    [0x81, 0],
  ]);
  const operation = prng.pick<Line>([
    [0x54, 0xff],
    [0x0c, 0],
    [0x14, prng.below(100)],
    [0x6c, 0],
    [0x7c, 0],
    [0x3c, 0],
    [0x94, prng.between(1, 9)],
    [0x84, 0],
    [0xa4, prng.word()],
  ]);
  const lines = [index, load(), ...(prng.chance(0.5) ? [operation] : [])];
  const jump = prng.pick([0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d]);
  const program = [
    ...lines.map(([code, k]) => `${code} 0 0 ${k}`),
    `${jump} 0 1 ${(jump & 8) === 0 ? prng.pick([1, 6, 17, 0x40, anyNumber(prng)]) : 0}`,
    '6 0 0 1',
    '6 0 0 0',
  ];
  return `-m bpf --bytecode "${program.length},${program.join(',')}"`;
}

function hmarkTarget(prng: Prng): string {
  const port = (): string => `0x${prng.pick([0xffff, 0xff, 0x1234, 0]).toString(16)}`;
  const words = [
    ...(prng.chance(0.7) ? [`--hmark-src-prefix ${prng.pick([8, 24, 31, 32])}`] : []),
    ...(prng.chance(0.7) ? [`--hmark-dst-prefix ${prng.pick([0, 16, 30, 32])}`] : []),
    ...prng.weighted<readonly string[]>([
      [2, ['--hmark-tuple sport,dport,proto']],
      [2, [`--hmark-sport-mask ${port()}`, `--hmark-dport-mask ${port()}`, `--hmark-dport ${port()}`]],
      [1, [`--hmark-spi-mask 0x${prng.word().toString(16)}`, '--hmark-spi 0x10']],
      [3, ['--hmark-tuple ct,sport,dport']],
      [1, ['--hmark-tuple proto']],
    ]),
  ];
  words.push(`--hmark-rnd 0x${prng.word().toString(16)}`, `--hmark-mod ${prng.pick([2, 2, 3, 16])}`);
  if (prng.chance(0.3)) words.push(`--hmark-offset ${prng.pick([1, 2, 0xffffffff])}`);
  return `-j HMARK ${words.join(' ')}`;
}

/** Datagrams of few letters, some in fragments that cut the text. */
function* textConversation(stage: Stage): Scene {
  const { prng, world } = stage;
  const side = sideOf(prng, world, 17, 0);
  for (let turn = prng.between(2, 5); turn > 0; turn--) {
    const datagram = buildUdp(side.port, side.peerPort, letters(prng, prng.between(0, 90)));
    const { address: source, peerAddress: destination } = side;
    const packet = withChecksum(
      buildIpv4({ source, destination, protocol: 17, id: 1 + prng.below(65_535), ttl: 64 }, datagram),
    );
    const size = prng.pick([8, 16, 24, 40]);
    const parts = prng.chance(0.3) ? prng.shuffled(fragmentsOf(packet, [size, 16, 4096])) : [packet];
    for (const part of parts) yield shotOf(stage, side, part);
  }
}

export const CONTENT: ExtensionFamily = {
  name: 'content',
  matches: [
    { name: 'string', weight: 2, make: ({ prng }) => stringMatch(prng) },
    {
      name: 'u32',
      weight: 2,
      make: ({ prng }) => {
        const tests = Array.from(
          {
            length: prng.weighted([
              [3, 1],
              [1, 2],
            ]),
          },
          () => u32Test(prng),
        );
        return `-m u32 ${not(prng)}--u32 "${tests.join('&&')}"`;
      },
    },
    { name: 'bpf', weight: 2, make: ({ prng }) => bpfMatch(prng) },
    // What HMARK has set.
    {
      name: 'mark',
      weight: 1,
      make: ({ prng }) => `-m mark ${not(prng)}--mark ${prng.below(4)}/${prng.pick([1, 2, 3])}`,
    },
  ],
  targets: [
    { name: 'HMARK', weight: 3, make: ({ prng }) => hmarkTarget(prng) },
    {
      name: 'CLASSIFY',
      weight: 0.5,
      hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) => `-j CLASSIFY --set-class 1:${prng.below(16).toString(16)}`,
    },
    { name: 'AUDIT', weight: 0.5, make: ({ prng }) => `-j AUDIT --type ${prng.pick(['accept', 'drop', 'reject'])}` },
  ],
  scenes: [[2, textConversation]],
  unreached: { LED: 'which few kernels have' },
};

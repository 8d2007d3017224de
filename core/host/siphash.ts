/** SipHash-2-4 (Aumasson and Bernstein, 2012), with which the kernel hashes flows. */

const MASK = (1n << 64n) - 1n;
const WORD_BYTES = 8;

const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & MASK;

/** The hash of DATA, in 64 bits, with the key in two words. */
export function sipHash(data: DataView, key0: bigint, key1: bigint): bigint {
  const state: State = [
    key0 ^ 0x736f6d6570736575n,
    key1 ^ 0x646f72616e646f6dn,
    key0 ^ 0x6c7967656e657261n,
    key1 ^ 0x7465646279746573n,
  ];
  const { byteLength } = data;
  let at = 0;
  for (; at + WORD_BYTES <= byteLength; at += WORD_BYTES) absorb(state, data.getBigUint64(at, true));
  let last = BigInt(byteLength & 0xff) << 56n;
  for (let i = 0; at + i < byteLength; i++) last |= BigInt(data.getUint8(at + i)) << BigInt(8 * i);
  absorb(state, last);
  state[2] ^= 0xffn;
  for (let i = 0; i < 4; i++) round(state);
  return state[0] ^ state[1] ^ state[2] ^ state[3];
}

type State = [bigint, bigint, bigint, bigint];

function absorb(state: State, word: bigint): void {
  state[3] ^= word;
  round(state);
  round(state);
  state[0] ^= word;
}

function round(v: State): void {
  v[0] = (v[0] + v[1]) & MASK;
  v[1] = rotate(v[1], 13n) ^ v[0];
  v[0] = rotate(v[0], 32n);
  v[2] = (v[2] + v[3]) & MASK;
  v[3] = rotate(v[3], 16n) ^ v[2];
  v[0] = (v[0] + v[3]) & MASK;
  v[3] = rotate(v[3], 21n) ^ v[0];
  v[2] = (v[2] + v[1]) & MASK;
  v[1] = rotate(v[1], 17n) ^ v[2];
  v[2] = rotate(v[2], 32n);
}

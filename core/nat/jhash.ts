/** Bob Jenkins' lookup3 (public domain): how the kernel spreads connections over addresses, nodes and marks. */

const GOLDEN = 0xdeadbeef;

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Hashes the four words FIRST, 0, 0, 0 with the initial value SEED into an unsigned 32-bit number (jhash2). */
export function jhashAddress(first: number, seed: number): number {
  const start = (GOLDEN + (4 << 2) + seed) | 0;
  let a = (start + first) | 0;
  let b = start;
  let c = start;
  a = (a - c) ^ rotate(c, 4);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 6);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 8);
  b = (b + a) | 0;
  a = (a - c) ^ rotate(c, 16);
  c = (c + b) | 0;
  b = (b - a) ^ rotate(a, 19);
  a = (a + c) | 0;
  c = (c - b) ^ rotate(b, 4);
  b = (b + a) | 0;
  // The fourth word is 0, so adding it changes nothing, but the final mixing is still required.
  return finalMix(a, b, c);
}

/** Hashes WORD with the initial value SEED into an unsigned 32-bit number (jhash_1word). */
export function jhashWord(word: number, seed: number): number {
  const start = (GOLDEN + (1 << 2) + seed) | 0;
  return finalMix((start + word) | 0, start, start);
}

/** Hashes three words with the initial value SEED into an unsigned 32-bit number (jhash_3words). */
export function jhashWords(first: number, second: number, third: number, seed: number): number {
  const start = (GOLDEN + (3 << 2) + seed) | 0;
  return finalMix((start + first) | 0, (start + second) | 0, (start + third) | 0);
}

/**
 * Hashes LENGTH words of WORDS, from AT on, with the initial value SEED into an int32 (jhash2): V8 may make an object
 * of a larger number.
 */
export function jhashArray(words: Int32Array, at: number, length: number, seed: number): number {
  const start = (GOLDEN + (length << 2) + seed) | 0;
  let a = start;
  let b = start;
  let c = start;
  let next = at;
  let left = length;
  for (; left > 3; left -= 3) {
    a = (a + words[next]) | 0;
    b = (b + words[next + 1]) | 0;
    c = (c + words[next + 2]) | 0;
    next += 3;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (left === 0) return c | 0;
  if (left > 2) c = (c + words[next + 2]) | 0;
  if (left > 1) b = (b + words[next + 1]) | 0;
  return lastMix((a + words[next]) | 0, b, c);
}

function finalMix(first: number, second: number, third: number): number {
  return lastMix(first, second, third) >>> 0;
}

function lastMix(first: number, second: number, third: number): number {
  let a = first;
  let b = second;
  let c = third;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c;
}

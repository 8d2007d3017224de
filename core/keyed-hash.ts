/**
 * hot: hashes with a random key.
 *
 * Someone who knows a hash function can write a capture whose packets all have the same hash, which makes every hash
 * table as slow as a list. So each host uses a random key that cannot be predicted. No result may depend on it.
 */
import { array, layout, u32 } from '../codecs/record-layout.js';
import { Random } from './random.js';

/** The key of the hash in wasm/conntrack/table.ts: four 64-bit numbers, as pairs of words. */
export const HASH_KEY = layout('HashKey', { words: array(u32, 8) });

/** Any whole number from 0 to 2^52. */
export type HashKey = number;

export function drawHashKey(): HashKey {
  return Math.floor(Math.random() * 2 ** 52);
}

/** The words of HASH_KEY for KEY. */
export function hashKeyWords(key: HashKey): number[] {
  const random = new Random(key);
  return Array.from({ length: HASH_KEY.words }, () => random.uint32());
}

const BYTE_VALUES = 256;

/**
 * Simple tabulation hashing (Zobrist 1970; Pătraşcu and Thorup 2012) of 32-bit words. Tables should share one: creating
 * the random words takes a millisecond.
 */
export class KeyedHash {
  /** A random word for each value of each of the four bytes of a word. */
  readonly #tables = new Int32Array(4 * BYTE_VALUES);
  readonly #mask: number;
  readonly #factor: number;

  constructor(key: HashKey = drawHashKey()) {
    const random = new Random(key);
    random.fill(this.#tables);
    this.#mask = random.uint32();
    this.#factor = random.uint32() | 1;
  }

  /** Mixes WORD into HASH. Both are int32, and so is the result. */
  mix(hash: number, word: number): number {
    const mixed = hash ^ word;
    const tables = this.#tables;
    return (
      tables[mixed & 0xff] ^
      tables[256 | ((mixed >>> 8) & 0xff)] ^
      tables[512 | ((mixed >>> 16) & 0xff)] ^
      tables[768 | (mixed >>> 24)]
    );
  }

  /** Maps WORDs one to one to int32 keys for a Map: V8 hashes numbers with a known function. */
  permute(word: number): number {
    const mixed = Math.imul(word ^ this.#mask, this.#factor);
    return Math.imul(mixed ^ (mixed >>> 15), this.#factor);
  }
}

/** Allocations in a host's memory that are all forgotten at once: what was learned from rules that have changed. */
import { type Fields, type Layout, Records } from '../codecs/record-layout.js';
import type { Memory } from './memory.js';

/**
 * From this length on, allocations are rounded up to a power of two: those for a chain that grows by one rule at a time
 * would fit in none that was forgotten.
 */
const LARGE_BYTES = 1024;

export class MemoryArena {
  readonly #memory: Memory;
  /** Address and length of each allocation, in turn. */
  #allocated: number[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /**
   * Allocates COUNT zeroed records of LAYOUT, until `clear`.
   *
   * @throws {MemoryFullError}
   */
  allocateRecords<F extends Fields>(layout: Layout<F>, count: number): Records<F> {
    return new Records(layout, this.#memory.buffer, this.#allocate(layout.bytes * count), count);
  }

  /**
   * Stores a copy of WORDS, until `clear`, and returns its address.
   *
   * @throws {MemoryFullError}
   */
  storeWords(words: Int32Array): number {
    const at = this.#allocate(words.byteLength);
    new Int32Array(this.#memory.buffer, at, words.length).set(words);
    return at;
  }

  /** Takes back everything. Nothing may refer to it any more. */
  clear(): void {
    const allocated = this.#allocated;
    this.#allocated = [];
    for (let i = 0; i < allocated.length; i += 2) this.#memory.release(allocated[i], allocated[i + 1]);
  }

  #allocate(bytes: number): number {
    const length = bytes < LARGE_BYTES ? bytes : 2 ** Math.ceil(Math.log2(bytes));
    const at = this.#memory.allocateBytes(length);
    this.#allocated.push(at, length);
    return at;
  }
}

/** Makes room in a full connection table (early_drop). */
import type { Random } from '../random.js';
import { RECORD_WORDS, STATUS, Status } from './record.js';
import type { ConntrackTable } from './table.js';

/** How many buckets of its hash table the kernel looks at (NF_CT_EVICTION_RANGE). */
const EVICTION_BUCKETS = 8;
/** An entry is in the hash table by both of its tuples. */
const TUPLES_PER_ENTRY = 2;
/** Expired entries are removed at most this often, as by the kernel's garbage collector (GC_SCAN_INTERVAL_MIN). */
const SWEEP_INTERVAL_MS = 1000;
/** The largest mean for which `exp` is far from underflowing. */
const MAX_MEAN = 500;

const { HASHED, ASSURED } = Status;

/**
 * The kernel looks for unassured entries in eight buckets of its hash table, starting with the bucket of the new tuple,
 * and removes all of the first bucket that has any. Its hash has a random key, so which entries these are cannot be
 * known. Here they are drawn at random, as many as such buckets contain, so that as many searches succeed.
 */
export class EarlyDrop {
  readonly #table: ConntrackTable;
  readonly #random: Random;
  /** The size of the kernel's hash table (nf_conntrack_buckets). */
  readonly #buckets: number;
  #sweptMs = Number.NEGATIVE_INFINITY;
  /** How many entries were removed before their time, and how many times none was found. */
  #evicted = 0;
  #failed = 0;

  constructor(table: ConntrackTable, random: Random, buckets: number) {
    this.#table = table;
    this.#random = random;
    this.#buckets = buckets;
  }

  get warnings(): string[] {
    if (this.#evicted + this.#failed === 0) return [];
    const { maxConnections } = this.#table.memory.settings;
    return [
      `the connection table was full (nf_conntrack_max ${maxConnections}): ${this.#evicted} connections were dropped ` +
        `early for new ones, and ${this.#failed} packets dropped; the kernel, whose hash has a random key, may choose` +
        ' others',
    ];
  }

  /** Tries to make room for an entry at NOW_MS, and returns whether there is any. */
  makeRoom(nowMs: number): boolean {
    const table = this.#table;
    if (nowMs >= this.#sweptMs + SWEEP_INTERVAL_MS) {
      this.#sweptMs = nowMs;
      table.removeExpired(nowMs);
      if (!table.isFull) return true;
    }
    for (let i = 0; i < EVICTION_BUCKETS; i++) {
      const evicted = this.#evictBucket();
      this.#evicted += evicted;
      if (evicted > 0) return true;
    }
    this.#failed++;
    return false;
  }

  /** Removes the unassured entries of a random bucket. Returns their number. */
  #evictBucket(): number {
    const table = this.#table;
    const { usedRecords, words } = table;
    let evicted = 0;
    for (let left = this.#poisson((TUPLES_PER_ENTRY * usedRecords) / this.#buckets); left > 0; left--) {
      const entry = this.#random.uint32() % usedRecords;
      if ((words[entry * RECORD_WORDS + STATUS] & (HASHED | ASSURED)) !== HASHED) continue;
      table.remove(entry);
      evicted++;
    }
    return evicted;
  }

  /** A random number with a Poisson distribution (Knuth, The Art of Computer Programming, 3.4.1). */
  #poisson(mean: number): number {
    let number = 0;
    for (let left = mean; left > 0; left -= MAX_MEAN) {
      const limit = Math.exp(-Math.min(left, MAX_MEAN));
      let product = this.#random.uint32() / 2 ** 32;
      for (; product > limit; number++) product *= this.#random.uint32() / 2 ** 32;
    }
    return number;
  }
}

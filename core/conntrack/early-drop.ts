/** Makes room in a full connection table (early_drop). */
import type { Random } from '../random.js';
import { RECORD_WORDS, STATUS, Status } from './record.js';
import type { ConntrackTable } from './table.js';

/** How many buckets of its hash table the kernel looks at (NF_CT_EVICTION_RANGE). */
const EVICTION_BUCKETS = 8;
/** An entry is in the hash table by both of its tuples. */
const TUPLES_PER_ENTRY = 2;
/** All expired entries are removed this often, as by the kernel's garbage collector (GC_SCAN_INTERVAL_MAX). */
const SWEEP_INTERVAL_MS = 60_000;
/** How many entries each search checks for expiry in between. */
const SWEEP_ENTRIES = 64;
/** A bucket has at most so many entries on average, which keeps a search short. */
const MAX_PER_BUCKET = 500;

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
  /** The entry to check for expiry next. */
  #next = 0;
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
    this.#sweep(nowMs);
    if (!table.isFull) return true;
    for (let i = 0; i < EVICTION_BUCKETS; i++) {
      const evicted = this.#evictBucket();
      this.#evicted += evicted;
      if (evicted > 0) return true;
    }
    this.#failed++;
    return false;
  }

  #sweep(nowMs: number): void {
    const table = this.#table;
    const { usedRecords } = table;
    const isDue = nowMs >= this.#sweptMs + SWEEP_INTERVAL_MS;
    if (isDue) this.#sweptMs = nowMs;
    for (let left = isDue ? usedRecords : Math.min(SWEEP_ENTRIES, usedRecords); left > 0; left--) {
      if (this.#next >= usedRecords) this.#next = 0;
      table.removeIfExpired(this.#next++, nowMs);
    }
  }

  /** Removes the unassured entries of a random bucket. Returns their number. */
  #evictBucket(): number {
    const table = this.#table;
    const { usedRecords, words } = table;
    const mean = Math.min((TUPLES_PER_ENTRY * usedRecords) / this.#buckets, MAX_PER_BUCKET);
    let evicted = 0;
    for (let left = this.#poisson(mean); left > 0; left--) {
      const entry = this.#random.uint32() % usedRecords;
      if ((words[entry * RECORD_WORDS + STATUS] & (HASHED | ASSURED)) !== HASHED) continue;
      table.remove(entry);
      evicted++;
    }
    return evicted;
  }

  /** A random number with a Poisson distribution (Knuth, The Art of Computer Programming, 3.4.1). */
  #poisson(mean: number): number {
    const limit = Math.exp(-mean);
    let number = 0;
    for (let product = this.#uniform(); product > limit; product *= this.#uniform()) number++;
    return number;
  }

  /** From 0 to 1. */
  #uniform(): number {
    return this.#random.uint32() / 2 ** 32;
  }
}

/**
 * hot: the hash table of a set, which does what the kernel's does (ip_set_hash_gen.h), element for element.
 *
 * Where an element goes decides the order of `ipset save`, which element `forceadd` overwrites, whether `-j SET` finds
 * room, and when the table grows. With the `initval` of a saved set all of that is as it was on the host. So buckets
 * are kept as the kernel keeps them: up to `bucketSize` places, some of them holes that deleted elements left.
 *
 * A bucket is a chain of slots in flat arrays. What an element carries is in `Extensions`, under the same slot.
 */
import { TICK_MS } from '../clock.js';
import { jhashArray } from '../nat/jhash.js';
import type { Extensions } from './extensions.js';
import type { KeyLayout } from './key-layout.js';
import { AddResult, HOLE, LEFT_OVER, NOMATCH, type TableParameters, USED, WILDCARD } from './table-parameters.js';

/** A bucket grows and shrinks by as many places (AHASH_INIT_SIZE). */
const STEP = 2;
const REGION_BITS = 10;
/** Largest bucket that elements of one network with different interfaces get (AHASH_MAX_TUNED). */
const MAX_TUNED = 64;
const MAX_BITS = 24;
/** When the garbage collection of a set starts, and how often at most it collects a region. */
const FIRST_COLLECTION_TICKS = 1000 / TICK_MS;
const MIN_INTERVAL_TICKS = 100 / TICK_MS;
const FIRST_CAPACITY = 64;

export class HashTable {
  readonly #parameters: TableParameters;
  readonly #layout: KeyLayout;
  readonly #extensions: Extensions;
  readonly #seed: number;
  readonly #hasIface: boolean;
  readonly #stride: number;
  #bits: number;
  #bucketSize: number;
  /** By bucket: its first slot. Slot 0 is none. */
  #heads: Int32Array;
  /** By slot: the next slot, and the key. */
  #records: Int32Array;
  #states: Uint8Array;
  #capacity = FIRST_CAPACITY;
  #newSlot = 1;
  #freeSlot = 0;
  /** By region: its number of elements as the kernel counts them. */
  #regions: Uint32Array;
  /** For `#split`: the last slots of both halves. */
  readonly #lasts = new Int32Array(2);
  #nextRegion = 0;
  /** In ticks. */
  #nextCollection: number;
  /** How many elements of the same network the last comparison met. */
  #multi = 0;

  constructor(parameters: TableParameters) {
    const { layout, extensions, bits } = parameters;
    this.#parameters = parameters;
    this.#layout = layout;
    this.#extensions = extensions;
    this.#seed = parameters.seed;
    this.#hasIface = layout.iface >= 0;
    this.#stride = layout.words + 1;
    this.#bits = bits;
    this.#bucketSize = parameters.bucketSize;
    this.#heads = new Int32Array(1 << bits);
    this.#records = new Int32Array(FIRST_CAPACITY * this.#stride);
    this.#states = new Uint8Array(FIRST_CAPACITY);
    this.#regions = new Uint32Array(this.#regionCount);
    extensions.grow(FIRST_CAPACITY);
    this.#nextCollection = extensions.ticks + FIRST_COLLECTION_TICKS;
  }

  /** The number of buckets. */
  get hashsize(): number {
    return 1 << this.#bits;
  }

  get bucketSize(): number {
    return this.#bucketSize;
  }

  get #regionCount(): number {
    return this.#bits < REGION_BITS ? 1 : 1 << (this.#bits - REGION_BITS);
  }

  /** Whether the last `find` met elements of the same network with other interfaces only. */
  get hasMetOthers(): boolean {
    return this.#multi !== 0;
  }

  /** The words and position of a slot's key. */
  get words(): Int32Array {
    return this.#records;
  }

  keyAt(slot: number): number {
    return slot * this.#stride + 1;
  }

  hasFlag(slot: number, flag: number): boolean {
    return (this.#states[slot] & flag) !== 0;
  }

  /** The slot of the element that KEY meets; 0 if there is none. */
  find(key: Int32Array): number {
    this.#multi = 0;
    return this.#next(key, this.#heads[this.#bucketOf(key, 0)]);
  }

  /** The next one in the bucket after SLOT. */
  findAfter(key: Int32Array, slot: number): number {
    this.#multi = 0;
    return this.#next(key, this.#records[slot * this.#stride]);
  }

  #next(key: Int32Array, from: number): number {
    const records = this.#records;
    for (let slot = from; slot !== 0; slot = records[slot * this.#stride]) {
      if (this.#equals(slot, key) && (this.#states[slot] & USED) !== 0) return slot;
    }
    return 0;
  }

  #equals(slot: number, key: Int32Array): boolean {
    const records = this.#records;
    const at = slot * this.#stride + 1;
    if (this.#hasIface) return this.#equalsWithIface(slot, at, key);
    for (let i = 0; i < key.length; i++) if (records[at + i] !== key[i]) return false;
    return true;
  }

  /** Elements that differ in the interface only are in the same bucket, which the kernel makes larger for them. */
  #equalsWithIface(slot: number, at: number, key: Int32Array): boolean {
    const records = this.#records;
    const { hashed, iface } = this.#layout;
    for (let i = 0; i < hashed; i++) if (records[at + i] !== key[i]) return false;
    if ((this.#states[slot] & USED) === 0) return false;
    this.#multi++;
    return this.#parameters.coversIface(records[at + iface], this.hasFlag(slot, WILDCARD), key[iface]);
  }

  #bucketOf(words: Int32Array, at: number): number {
    return jhashArray(words, at, this.#layout.hashed, this.#seed) & ((1 << this.#bits) - 1);
  }

  /**
   * Makes room for an element with KEY (mtype_add). After ADDED, `slot` is where it is: the caller sets what it
   * carries. RENEWS: also where it exists.
   */
  add(key: Int32Array, renews: boolean, flags: number): AddResult {
    const bucket = this.#bucketOf(key, 0);
    const region = bucket >> REGION_BITS;
    let elements = this.#regions[region];
    let most = Math.floor(this.#parameters.maxElements / this.#regionCount);
    let isForced = false;
    if (elements >= most) {
      if (this.#extensions.hasTimeout) this.#collect(region, this.#extensions.ticks);
      most = this.#parameters.maxElements;
      elements = this.#regions.reduce((sum, count) => (sum + count) >>> 0, 0);
      isForced = elements >= most && this.#parameters.isForced;
    }
    const first = this.#heads[bucket];
    if (first === 0) {
      if (elements >= most) return AddResult.FULL;
      this.#fillSlot(this.#append(bucket, 0), key, region, flags);
      return AddResult.ADDED;
    }
    return this.#addTo(bucket, { key, renews, flags, region, isForced, isFull: elements >= most });
  }

  /** Where the element went. */
  slot = 0;
  /** Whether it is a new one; whether answers differ from now on. */
  isNew = false;
  isOther = false;

  #addTo(
    bucket: number,
    what: { key: Int32Array; renews: boolean; flags: number; region: number; isForced: boolean; isFull: boolean },
  ): AddResult {
    const { key, flags, region } = what;
    const records = this.#records;
    let reused = 0;
    let places = 0;
    let last = 0;
    this.#multi = 0;
    for (let slot = this.#heads[bucket]; slot !== 0; slot = records[slot * this.#stride]) {
      const state = this.#states[slot];
      if ((state & LEFT_OVER) !== 0) break;
      places++;
      last = slot;
      if ((state & HOLE) !== 0) {
        if (reused === 0) reused = slot;
        continue;
      }
      const isExpired = this.#extensions.isExpired(slot);
      if (this.#equals(slot, key)) {
        if (!what.renews && !isExpired) return AddResult.EXISTS;
        this.#states[slot] = (state & ~NOMATCH) | (flags & NOMATCH);
        this.slot = slot;
        this.isNew = false;
        this.isOther = isExpired || ((state ^ flags) & NOMATCH) !== 0;
        return AddResult.ADDED;
      }
      if (isExpired && reused === 0) reused = slot;
    }
    if (reused !== 0 || what.isForced) {
      const slot = reused === 0 ? this.#heads[bucket] : reused;
      if ((this.#states[slot] & USED) !== 0) this.#remove(slot, region);
      this.#fillSlot(slot, key, region, flags);
      return AddResult.ADDED;
    }
    if (what.isFull) return AddResult.FULL;
    if (places >= this.#sizeFor(places)) return AddResult.NEEDS_RESIZE;
    this.#fillSlot(this.#append(bucket, last), key, region, flags);
    return AddResult.ADDED;
  }

  /** How large a bucket with PLACES places, all of them in use, may become. */
  #sizeFor(places: number): number {
    if (this.#hasIface && places % STEP === 0) {
      if (this.#bucketSize >= MAX_TUNED) return 0;
      if (this.#bucketSize <= this.#multi) this.#bucketSize += STEP;
    }
    return this.#bucketSize;
  }

  /** The place after LAST (0: the first) of BUCKET. */
  #append(bucket: number, last: number): number {
    const next = last === 0 ? this.#heads[bucket] : this.#records[last * this.#stride];
    if (next !== 0) return next;
    const slot = this.#takeSlot();
    if (last === 0) this.#heads[bucket] = slot;
    else this.#records[last * this.#stride] = slot;
    return slot;
  }

  #takeSlot(): number {
    const slot = this.#freeSlot;
    if (slot !== 0) {
      this.#freeSlot = this.#records[slot * this.#stride];
      this.#records[slot * this.#stride] = 0;
      this.#extensions.clear(slot);
      return slot;
    }
    if (this.#newSlot === this.#capacity) this.#grow();
    return this.#newSlot++;
  }

  #grow(): void {
    this.#capacity *= 2;
    const records = new Int32Array(this.#capacity * this.#stride);
    records.set(this.#records);
    this.#records = records;
    const states = new Uint8Array(this.#capacity);
    states.set(this.#states);
    this.#states = states;
    this.#extensions.grow(this.#capacity);
  }

  #fillSlot(slot: number, key: Int32Array, region: number, flags: number): void {
    this.#records.set(key, slot * this.#stride + 1);
    this.#states[slot] = USED | flags;
    this.#regions[region]++;
    this.slot = slot;
    this.isNew = true;
    this.isOther = true;
  }

  /** The element in SLOT is gone. */
  #remove(slot: number, region: number): void {
    this.#parameters.removed(this.#records, slot * this.#stride + 1);
    this.#extensions.destroy(slot);
    this.#states[slot] = HOLE;
    this.#regions[region]--;
  }

  /** Deletes the element with KEY (mtype_del). Returns whether it was there. */
  del(key: Int32Array): boolean {
    const slot = this.find(key);
    if (slot === 0 || this.#extensions.isExpired(slot)) return false;
    const bucket = this.#bucketOf(key, 0);
    this.slot = slot;
    this.#remove(slot, bucket >> REGION_BITS);
    const next = this.#records[slot * this.#stride];
    if (next === 0 || (this.#states[next] & LEFT_OVER) !== 0) this.#states[slot] = LEFT_OVER;
    let holes = 0;
    let places = 0;
    for (let at = this.#heads[bucket]; at !== 0; at = this.#records[at * this.#stride]) {
      if ((this.#states[at] & LEFT_OVER) !== 0) break;
      places++;
      if ((this.#states[at] & HOLE) !== 0) holes++;
    }
    if (holes >= STEP || places === 0) this.#compact(bucket);
    return true;
  }

  /** Closes the holes of BUCKET. */
  #compact(bucket: number): void {
    const records = this.#records;
    let last = 0;
    let slot = this.#heads[bucket];
    this.#heads[bucket] = 0;
    while (slot !== 0) {
      const next = records[slot * this.#stride];
      records[slot * this.#stride] = 0;
      if ((this.#states[slot] & USED) !== 0) {
        if (last === 0) this.#heads[bucket] = slot;
        else records[last * this.#stride] = slot;
        last = slot;
      } else this.#free(slot);
      slot = next;
    }
  }

  #free(slot: number): void {
    this.#states[slot] = 0;
    this.#records[slot * this.#stride] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  /** Does what the kernel has done in the meantime: it collects a region now and then (mtype_gc). */
  collectDue(): void {
    const { extensions } = this.#parameters;
    if (!extensions.hasTimeout) return;
    const now = extensions.ticks;
    if (this.#nextCollection > now) return;
    const period = extensions.collectionTicks;
    const interval = Math.max(Math.floor(period / this.#regionCount), MIN_INTERVAL_TICKS);
    // More than two rounds change nothing.
    const missed = Math.floor((now - this.#nextCollection) / interval) - 2 * this.#regionCount;
    if (missed > 0) this.#nextCollection += missed * interval;
    for (; this.#nextCollection <= now; this.#nextCollection += interval) {
      if (this.#nextRegion >= this.#regionCount) this.#nextRegion = 0;
      this.#collect(this.#nextRegion++, this.#nextCollection);
    }
  }

  /** Removes what has expired by the tick NOW from a REGION's buckets (mtype_gc_do). */
  #collect(region: number, now: number): void {
    const length = this.#bits < REGION_BITS ? this.hashsize : 1 << REGION_BITS;
    for (let bucket = region * length; bucket < (region + 1) * length; bucket++) {
      let holes = 0;
      for (let slot = this.#heads[bucket]; slot !== 0; slot = this.#records[slot * this.#stride]) {
        const state = this.#states[slot];
        if ((state & LEFT_OVER) !== 0) break;
        if ((state & USED) !== 0 && this.#extensions.isExpiredAt(slot, now)) this.#remove(slot, region);
        if ((this.#states[slot] & HOLE) !== 0) holes++;
      }
      if (holes >= STEP) this.#compact(bucket);
    }
  }

  /** Doubles the number of buckets (mtype_resize): each is split in two. Returns whether that was possible. */
  resize(): boolean {
    if (this.#bits === MAX_BITS) return false;
    const old = this.#heads;
    this.#bits++;
    this.#heads = new Int32Array(1 << this.#bits);
    this.#regions = new Uint32Array(this.#regionCount);
    for (let bucket = 0; bucket < old.length; bucket++) if (old[bucket] !== 0) this.#split(old[bucket]);
    return true;
  }

  /** Distributes the elements of the chain that starts with FIRST to their buckets; what has expired is left out. */
  #split(first: number): void {
    const records = this.#records;
    const last = this.#lasts;
    last.fill(0);
    let slot = first;
    while (slot !== 0) {
      const next = records[slot * this.#stride];
      records[slot * this.#stride] = 0;
      if ((this.#states[slot] & USED) !== 0 && !this.#extensions.isExpired(slot)) {
        const bucket = this.#bucketOf(records, slot * this.#stride + 1);
        const half = bucket >> (this.#bits - 1);
        if (last[half] === 0) this.#heads[bucket] = slot;
        else records[last[half] * this.#stride] = slot;
        last[half] = slot;
        this.#regions[bucket >> REGION_BITS]++;
      } else {
        this.#extensions.destroy(slot);
        this.#free(slot);
      }
      slot = next;
    }
  }

  /** Calls EACH with the slots of elements that have not expired, in the kernel's order. */
  forEach(each: (slot: number) => void): void {
    for (const head of this.#heads) {
      for (let slot = head; slot !== 0; slot = this.#records[slot * this.#stride]) {
        if ((this.#states[slot] & USED) !== 0 && !this.#extensions.isExpired(slot)) each(slot);
      }
    }
  }

  clear(): void {
    this.#heads.fill(0);
    this.#records.fill(0, 0, this.#newSlot * this.#stride);
    this.#states.fill(0);
    this.#regions.fill(0);
    for (let slot = 1; slot < this.#newSlot; slot++) this.#extensions.clear(slot);
    this.#newSlot = 1;
    this.#freeSlot = 0;
  }
}

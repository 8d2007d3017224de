/** hot: the table of connections, in flat memory. */
import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  EXPIRES_MS_F64,
  ORIGINAL_TUPLE,
  PACKETS_F64,
  PROTOCOL,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  SOURCE_NEXT,
  SOURCE_PREVIOUS,
  STATUS,
  Status,
} from './record.js';

/** Words of a hash slot: the three of a tuple, and the reference of what it belongs to + 1 (0: empty). */
const SLOT_WORDS = 4;
const INITIAL_RECORDS = 16_384;
/** How many records each new connection looks at for entries that have ended, so that memory stays flat. */
const SWEEP_RECORDS = 4;

/**
 * Connections as fixed-size records (record.ts), found by either tuple through an open-addressing hash.
 *
 * An *entry* is the index of a record. A *reference* is `entry * 2 + direction`: what a tuple is found as. `words` and
 * `doubles` view the same memory and are replaced when the table grows: take them anew after `create`.
 */
export class ConntrackTable {
  words = new Int32Array(INITIAL_RECORDS * RECORD_WORDS);
  doubles = new Float64Array(this.words.buffer);
  /** Confirmed entries, ended ones included until they are swept. */
  size = 0;

  #capacity = INITIAL_RECORDS;
  #unused = 0;
  #free = 0;
  #slots = new Int32Array(INITIAL_RECORDS * 4 * SLOT_WORDS);
  #slotMask = INITIAL_RECORDS * 4 - 1;
  #sources = new Int32Array(INITIAL_RECORDS);
  #sourceMask = INITIAL_RECORDS - 1;
  #sweepAt = 0;

  /**
   * A cleared record that lookups do not find until `confirm`, with both tuples set: the given one, and `reply…`.
   * NOW_MS also drives the sweeping of ended entries.
   */
  create(
    source: number,
    destination: number,
    ports: number,
    replyPorts: number,
    protocol: number,
    nowMs: number,
  ): number {
    this.#sweep(nowMs);
    let entry: number;
    if (this.#free > 0) {
      entry = this.#free - 1;
      this.#free = this.words[entry * RECORD_WORDS + SOURCE_NEXT];
    } else {
      if (this.#unused === this.#capacity) this.#grow();
      entry = this.#unused++;
    }
    const { words } = this;
    const base = entry * RECORD_WORDS;
    words.fill(0, base, base + RECORD_WORDS);
    words[base + ORIGINAL_TUPLE] = source;
    words[base + ORIGINAL_TUPLE + 1] = destination;
    words[base + ORIGINAL_TUPLE + 2] = ports;
    words[base + PROTOCOL] = protocol;
    words[base + REPLY_TUPLE] = destination;
    words[base + REPLY_TUPLE + 1] = source;
    words[base + REPLY_TUPLE + 2] = replyPorts;
    return entry;
  }

  /** Make ENTRY findable by both its tuples (__nf_conntrack_confirm). */
  confirm(entry: number): void {
    const base = entry * RECORD_WORDS;
    this.words[base + STATUS] |= Status.CONFIRMED | Status.HASHED;
    this.#insertBoth(entry);
    this.size++;
  }

  /** Forget ENTRY, confirmed or not. */
  remove(entry: number): void {
    this.unhash(entry);
    this.release(entry);
  }

  /** Let no lookup find ENTRY any more; its record stays until `release` for the packet that is still passing. */
  unhash(entry: number): void {
    const base = entry * RECORD_WORDS;
    if (!this.isHashed(entry)) return;
    this.#delete(entry * 2, base + ORIGINAL_TUPLE);
    this.#delete(entry * 2 + 1, base + REPLY_TUPLE);
    this.size--;
    this.words[base + STATUS] &= ~Status.HASHED;
  }

  /** Whether lookups find ENTRY: confirmed, and neither removed nor dying. */
  isHashed(entry: number): boolean {
    return (this.words[entry * RECORD_WORDS + STATUS] & Status.HASHED) !== 0;
  }

  /** Give the record of ENTRY, which no lookup finds, back for others. */
  release(entry: number): void {
    const base = entry * RECORD_WORDS;
    this.#unlinkSource(entry);
    this.words[base + STATUS] = 0;
    this.words[base + SOURCE_NEXT] = this.#free;
    this.#free = entry + 1;
  }

  /**
   * The reference of the confirmed entry that has this tuple in either direction, -1 where there is none. An entry that
   * has ended by NOW_MS is removed and not found (nf_conntrack_find_get).
   */
  find(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.lookUp(source, destination, ports, protocol);
    if (reference < 0 || this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] > nowMs) return reference;
    this.remove(reference >>> 1);
    return -1;
  }

  /** The same, whether the entry has ended or not. */
  lookUp(source: number, destination: number, ports: number, protocol: number): number {
    const slots = this.#slots;
    const mask = this.#slotMask;
    for (
      let slot = tupleHash(source, destination, ports, protocol) & mask;
      slots[slot * SLOT_WORDS + 3] !== 0;
      slot = (slot + 1) & mask
    ) {
      const at = slot * SLOT_WORDS;
      if (slots[at] !== source || slots[at + 1] !== destination || slots[at + 2] !== ports) continue;
      const reference = slots[at + 3] - 1;
      if (this.words[(reference >>> 1) * RECORD_WORDS + PROTOCOL] === protocol) return reference;
    }
    return -1;
  }

  /** Count a packet of LENGTH bytes in DIRECTION (nf_conntrack_acct). */
  account(entry: number, direction: number, length: number): void {
    const at = entry * RECORD_F64 + PACKETS_F64 + direction * ACCOUNTING_STRIDE_F64;
    this.doubles[at] += 1;
    this.doubles[at + BYTES_F64 - PACKETS_F64] += length;
  }

  /** Let ENTRY end TIMEOUT_MS after NOW_MS. */
  refresh(entry: number, nowMs: number, timeoutMs: number): void {
    this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] = nowMs + timeoutMs;
  }

  /** Call VISIT with each confirmed entry that has not ended by NOW_MS, in the order in which their records lie. */
  forEach(nowMs: number, visit: (entry: number) => void): void {
    for (let entry = 0; entry < this.#unused; entry++) {
      if (!this.isHashed(entry)) continue;
      if (this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] > nowMs) visit(entry);
    }
  }

  /** Remember ENTRY under its original source address, port and protocol, the latest first (nf_nat_bysource). */
  linkSource(entry: number): void {
    const { words } = this;
    const base = entry * RECORD_WORDS;
    if (words[base + SOURCE_PREVIOUS] !== 0) return;
    const head = this.#sourceHead(base);
    const next = this.#sources[head];
    words[base + SOURCE_NEXT] = next;
    words[base + SOURCE_PREVIOUS] = -1 - head;
    if (next !== 0) words[(next - 1) * RECORD_WORDS + SOURCE_PREVIOUS] = entry + 1;
    this.#sources[head] = entry + 1;
  }

  /** The latest linked entry whose original source may be (SOURCE, PORTS' source port, PROTOCOL), -1: none; see `nextOfSource`. */
  firstOfSource(source: number, ports: number, protocol: number): number {
    return this.#sources[sourceHash(source, ports, protocol) & this.#sourceMask] - 1;
  }

  /** The entry behind ENTRY in its chain, -1: none. Chains may hold other sources as well: compare. */
  nextOfSource(entry: number): number {
    return this.words[entry * RECORD_WORDS + SOURCE_NEXT] - 1;
  }

  #sourceHead(base: number): number {
    const { words } = this;
    const hash = sourceHash(words[base + ORIGINAL_TUPLE], words[base + ORIGINAL_TUPLE + 2], words[base + PROTOCOL]);
    return hash & this.#sourceMask;
  }

  #unlinkSource(entry: number): void {
    const { words } = this;
    const base = entry * RECORD_WORDS;
    const previous = words[base + SOURCE_PREVIOUS];
    if (previous === 0) return;
    const next = words[base + SOURCE_NEXT];
    if (previous < 0) this.#sources[-1 - previous] = next;
    else words[(previous - 1) * RECORD_WORDS + SOURCE_NEXT] = next;
    if (next !== 0) words[(next - 1) * RECORD_WORDS + SOURCE_PREVIOUS] = previous;
    words[base + SOURCE_PREVIOUS] = 0;
  }

  /** The reply first: where both tuples are the same (a host talks to itself), a packet is found to be a reply. */
  #insertBoth(entry: number): void {
    this.#insert(entry * 2 + 1, entry * RECORD_WORDS + REPLY_TUPLE);
    this.#insert(entry * 2, entry * RECORD_WORDS + ORIGINAL_TUPLE);
  }

  #insert(reference: number, tupleAt: number): void {
    const slots = this.#slots;
    const { words } = this;
    const protocol = words[(reference >>> 1) * RECORD_WORDS + PROTOCOL];
    let slot = tupleHash(words[tupleAt], words[tupleAt + 1], words[tupleAt + 2], protocol) & this.#slotMask;
    while (slots[slot * SLOT_WORDS + 3] !== 0) slot = (slot + 1) & this.#slotMask;
    const at = slot * SLOT_WORDS;
    slots[at] = words[tupleAt];
    slots[at + 1] = words[tupleAt + 1];
    slots[at + 2] = words[tupleAt + 2];
    slots[at + 3] = reference + 1;
  }

  /** Linear probing without tombstones: what follows in the cluster moves up where its own home allows it. */
  #delete(reference: number, tupleAt: number): void {
    const slots = this.#slots;
    const mask = this.#slotMask;
    const { words } = this;
    const protocol = words[(reference >>> 1) * RECORD_WORDS + PROTOCOL];
    let hole = tupleHash(words[tupleAt], words[tupleAt + 1], words[tupleAt + 2], protocol) & mask;
    while (slots[hole * SLOT_WORDS + 3] !== reference + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot * SLOT_WORDS + 3] !== 0; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      const owner = words[((slots[at + 3] - 1) >>> 1) * RECORD_WORDS + PROTOCOL];
      const home = tupleHash(slots[at], slots[at + 1], slots[at + 2], owner) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots.copyWithin(hole * SLOT_WORDS, at, at + SLOT_WORDS);
      hole = slot;
    }
    slots[hole * SLOT_WORDS + 3] = 0;
  }

  #sweep(nowMs: number): void {
    for (let i = 0; i < SWEEP_RECORDS && i < this.#unused; i++) {
      if (this.#sweepAt >= this.#unused) this.#sweepAt = 0;
      const entry = this.#sweepAt++;
      if (!this.isHashed(entry)) continue;
      if (this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] <= nowMs) this.remove(entry);
    }
  }

  #grow(): void {
    const old = this.words;
    this.#capacity *= 2;
    this.words = new Int32Array(this.#capacity * RECORD_WORDS);
    this.words.set(old);
    this.doubles = new Float64Array(this.words.buffer);
    this.#slots = new Int32Array(this.#capacity * 4 * SLOT_WORDS);
    this.#slotMask = this.#capacity * 4 - 1;
    this.#sources = new Int32Array(this.#capacity);
    this.#sourceMask = this.#capacity - 1;
    const linked: number[] = [];
    for (let entry = 0; entry < this.#unused; entry++) {
      const base = entry * RECORD_WORDS;
      if (this.isHashed(entry)) {
        this.#insertBoth(entry);
      }
      // Chains keep their order, the latest first: the ends are relinked first.
      const previous = this.words[base + SOURCE_PREVIOUS];
      if (previous < 0) {
        const chain: number[] = [];
        for (let link = entry + 1; link !== 0; link = this.words[(link - 1) * RECORD_WORDS + SOURCE_NEXT]) {
          chain.push(link - 1);
        }
        linked.push(...chain.reverse());
      }
    }
    for (const entry of linked) this.words[entry * RECORD_WORDS + SOURCE_PREVIOUS] = 0;
    for (const entry of linked) this.linkSource(entry);
  }
}

/** Murmur3's finaliser over the folded tuple: the words carry their entropy in the high bits, and this brings it down. */
function tupleHash(source: number, destination: number, ports: number, protocol: number): number {
  let hash = Math.imul(source, 0x9e3779b1) ^ destination;
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ ports ^ protocol;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function sourceHash(source: number, ports: number, protocol: number): number {
  return tupleHash(source, 0, ports & 0xffff, protocol);
}

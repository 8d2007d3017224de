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
const SWEEP_RECORDS = 2;

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
      const base = entry * RECORD_WORDS;
      this.#free = this.words[base + SOURCE_NEXT];
      this.words.fill(0, base, base + RECORD_WORDS);
    } else {
      if (this.#unused === this.#capacity) this.#grow();
      entry = this.#unused++;
    }
    const { words } = this;
    const base = entry * RECORD_WORDS;
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
      let slot = tupleHash(source, destination, ports) & mask;
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
    const { words } = this;
    this.#place(words[tupleAt], words[tupleAt + 1], words[tupleAt + 2], reference + 1);
  }

  #place(source: number, destination: number, ports: number, owner: number): void {
    const slots = this.#slots;
    let slot = tupleHash(source, destination, ports) & this.#slotMask;
    while (slots[slot * SLOT_WORDS + 3] !== 0) slot = (slot + 1) & this.#slotMask;
    const at = slot * SLOT_WORDS;
    slots[at] = source;
    slots[at + 1] = destination;
    slots[at + 2] = ports;
    slots[at + 3] = owner;
  }

  /** Linear probing without tombstones: what follows in the cluster moves up where its own home allows it. */
  #delete(reference: number, tupleAt: number): void {
    const slots = this.#slots;
    const mask = this.#slotMask;
    const { words } = this;
    let hole = tupleHash(words[tupleAt], words[tupleAt + 1], words[tupleAt + 2]) & mask;
    while (slots[hole * SLOT_WORDS + 3] !== reference + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot * SLOT_WORDS + 3] !== 0; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      const home = tupleHash(slots[at], slots[at + 1], slots[at + 2]) & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      for (let word = 0; word < SLOT_WORDS; word++) slots[hole * SLOT_WORDS + word] = slots[at + word];
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
    const { words } = this;
    this.#capacity *= 2;
    this.words = new Int32Array(this.#capacity * RECORD_WORDS);
    this.words.set(words);
    this.doubles = new Float64Array(this.words.buffer);
    this.#growSlots();
    this.#growSources();
  }

  /** Slots move in the order in which they lie, from the start of a cluster on: what was found first is found first. */
  #growSlots(): void {
    const old = this.#slots;
    const mask = this.#slotMask;
    this.#slots = new Int32Array(old.length * 2);
    this.#slotMask = mask * 2 + 1;
    let gap = 0;
    while (old[gap * SLOT_WORDS + 3] !== 0) gap++;
    for (let i = 1; i <= mask; i++) {
      const at = ((gap + i) & mask) * SLOT_WORDS;
      if (old[at + 3] !== 0) this.#place(old[at], old[at + 1], old[at + 2], old[at + 3]);
    }
  }

  /** Each chain becomes two, which keep its order: their heads lie half of the new index apart. */
  #growSources(): void {
    const old = this.#sources;
    const { words } = this;
    const sources = new Int32Array(old.length * 2);
    this.#sources = sources;
    this.#sourceMask = sources.length - 1;
    for (let head = 0; head < old.length; head++) {
      // The last links of the two chains so far, 0: none.
      let lastLow = 0;
      let lastHigh = 0;
      for (let link = old[head]; link !== 0; ) {
        const base = (link - 1) * RECORD_WORDS;
        const next = words[base + SOURCE_NEXT];
        const newHead = this.#sourceHead(base);
        const last = newHead === head ? lastLow : lastHigh;
        if (last === 0) sources[newHead] = link;
        else words[(last - 1) * RECORD_WORDS + SOURCE_NEXT] = link;
        words[base + SOURCE_PREVIOUS] = last === 0 ? -1 - newHead : last;
        words[base + SOURCE_NEXT] = 0;
        if (newHead === head) lastLow = link;
        else lastHigh = link;
        link = next;
      }
    }
  }
}

/**
 * Murmur3's finaliser over the folded tuple: the words carry their entropy in the high bits, and this brings it down. The
 * protocol is left out, so that slots can move without a look at their records.
 */
function tupleHash(source: number, destination: number, ports: number): number {
  let hash = Math.imul(source, 0x9e3779b1) ^ destination;
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ ports;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function sourceHash(source: number, ports: number, protocol: number): number {
  return tupleHash(source, protocol, ports & 0xffff);
}

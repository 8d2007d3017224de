/** hot: the table of connections. Lookup, creation and removal are in wasm/conntrack/table.ts. */
import { Memory } from '../memory.js';
import { REGIONS } from '../memory-map.js';
import {
  BYTES_F64,
  EXPIRES_MS_F64,
  FAST_PATH,
  MARK,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  SOURCE_NEXT,
  STATUS,
  Status,
} from './record.js';

/** In FAST_PATH: the connection has changed since. */
const PATHS_FORGOTTEN = -1;

/**
 * Connections as fixed-size records (record.ts), found by either tuple through a hash table with open addressing.
 *
 * An *entry* is the index of a record. A *reference* is `entry * 2 + direction`: a lookup returns it, as each tuple
 * belongs to one direction. `words` and `doubles` are views of the same memory: of all records that there can be.
 */
export class ConntrackTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly memory: Memory;
  readonly #wasm: Memory['wasm'];

  /** MEMORY must not hold another table. */
  constructor(memory: Memory = new Memory()) {
    const { buffer, wasm } = memory;
    this.memory = memory;
    this.words = REGIONS.connections.wordsOf(buffer);
    this.doubles = REGIONS.connections.doublesOf(buffer);
    this.#wasm = wasm;
  }

  /** The number of confirmed entries, including expired ones until they are swept. */
  get size(): number {
    return this.#wasm.tableSize();
  }

  /**
   * How much memory the table takes, in bytes: records that were ever used, slots (with the half they grew out of),
   * index by source.
   */
  get bytes(): number {
    return this.#wasm.tableBytes();
  }

  /** The words of all records that were ever used. */
  get usedWords(): Int32Array {
    return this.words.subarray(0, this.#wasm.recordsUsed() * RECORD_WORDS);
  }

  /**
   * Create an entry with both tuples set: the given one, and its inverse with REPLY_PORTS. Lookups do not find it
   * before `confirm`. NOW_MS also drives the sweeping of expired entries. Returns -1 where the table is full.
   */
  create(
    source: number,
    destination: number,
    ports: number,
    replyPorts: number,
    protocol: number,
    nowMs: number,
  ): number {
    return this.#wasm.create(source, destination, ports, replyPorts, protocol, nowMs);
  }

  /** Make ENTRY findable by both its tuples (__nf_conntrack_confirm). */
  confirm(entry: number): void {
    this.#wasm.confirm(entry);
  }

  /** Forget ENTRY, confirmed or not. */
  remove(entry: number): void {
    this.#wasm.remove(entry);
  }

  /** Hide ENTRY from lookups; its record stays until `release`, for the packet that is still on its way. */
  unhash(entry: number): void {
    this.#wasm.unhash(entry);
  }

  /** Whether lookups find ENTRY: confirmed, and neither removed nor dying. */
  isHashed(entry: number): boolean {
    return (this.words[entry * RECORD_WORDS + STATUS] & Status.HASHED) !== 0;
  }

  /** Free the record of ENTRY, which lookups do not find any more. */
  release(entry: number): void {
    this.#wasm.release(entry);
  }

  /**
   * The reference of the confirmed entry that has this tuple in either direction, -1 where there is none. An entry that
   * has expired by NOW_MS is removed and not found (nf_conntrack_find_get).
   */
  find(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.#wasm.lookUp(source, destination, ports, protocol);
    if (reference < 0 || this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] > nowMs) return reference;
    this.remove(reference >>> 1);
    return -1;
  }

  /** The same, whether the entry has expired or not. */
  lookUp(source: number, destination: number, ports: number, protocol: number): number {
    return this.#wasm.lookUp(source, destination, ports, protocol);
  }

  /** Count a packet of LENGTH bytes in DIRECTION (nf_conntrack_acct). */
  account(entry: number, direction: number, length: number): void {
    const at = entry * RECORD_F64 + direction;
    this.doubles[at + PACKETS_F64] += 1;
    this.doubles[at + BYTES_F64] += length;
  }

  /** The connection mark of ENTRY, an int32. */
  mark(entry: number): number {
    return this.words[entry * RECORD_WORDS + MARK];
  }

  /** Set the connection mark of ENTRY. If that changes it, the paths of its packets are forgotten: rules may read it. */
  setMark(entry: number, mark: number): void {
    const at = entry * RECORD_WORDS + MARK;
    if (this.words[at] === mark) return;
    this.words[at] = mark;
    this.#forgetPaths(entry);
  }

  /** The path that packets of ENTRY in DIRECTION follow; -1: none. */
  path(entry: number, direction: number): number {
    return Math.max(this.words[entry * RECORD_WORDS + FAST_PATH + direction] - 1, -1);
  }

  setPath(entry: number, direction: number, path: number): void {
    this.words[entry * RECORD_WORDS + FAST_PATH + direction] = path + 1;
  }

  /**
   * Whether ENTRY was changed since the last packet in DIRECTION that asked this. If so, the packet in hand may have met
   * some rules before the change and some after it, and no other packet can follow it.
   */
  takeChanged(entry: number, direction: number): boolean {
    const at = entry * RECORD_WORDS + FAST_PATH + direction;
    if (this.words[at] !== PATHS_FORGOTTEN) return false;
    this.words[at] = 0;
    return true;
  }

  #forgetPaths(entry: number): void {
    const at = entry * RECORD_WORDS + FAST_PATH;
    this.words.fill(PATHS_FORGOTTEN, at, at + 2);
  }

  /** Let ENTRY expire TIMEOUT_MS after NOW_MS. */
  refresh(entry: number, nowMs: number, timeoutMs: number): void {
    this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] = nowMs + timeoutMs;
  }

  /** Call VISIT with each confirmed entry that has not expired by NOW_MS, in the order of their records. */
  forEach(nowMs: number, visit: (entry: number) => void): void {
    const used = this.#wasm.recordsUsed();
    for (let entry = 0; entry < used; entry++) {
      if (!this.isHashed(entry)) continue;
      if (this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] > nowMs) visit(entry);
    }
  }

  /** Add ENTRY to the index by original source address, port and protocol, the latest first (nf_nat_bysource). */
  linkSource(entry: number): void {
    this.#wasm.linkSource(entry);
  }

  /**
   * The latest linked entry whose original source may be (SOURCE, PORTS' source port, PROTOCOL), -1: none; see
   * `nextOfSource`.
   */
  firstOfSource(source: number, ports: number, protocol: number): number {
    return this.#wasm.firstOfSource(source, ports, protocol);
  }

  /** The entry after ENTRY in its chain, -1: none. Chains may hold other sources as well: compare. */
  nextOfSource(entry: number): number {
    return this.words[entry * RECORD_WORDS + SOURCE_NEXT] - 1;
  }
}

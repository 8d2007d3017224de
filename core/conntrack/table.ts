/** hot: the table of connections. What looks for one, makes or removes one is in wasm/conntrack/table.ts. */
import { MAX_RECORDS, Memory, RECORDS_AT } from '../memory.js';
import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  EXPIRES_MS_F64,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  SOURCE_NEXT,
  STATUS,
  Status,
} from './record.js';

/**
 * Connections as fixed-size records (record.ts), found by either tuple through an open-addressing hash.
 *
 * An *entry* is the index of a record. A *reference* is `entry * 2 + direction`: what a tuple is found as. `words` and
 * `doubles` view the same memory, all records that there may ever be.
 */
export class ConntrackTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly memory: Memory;
  readonly #wasm: Memory['wasm'];

  /** MEMORY holds no other table. */
  constructor(memory: Memory = new Memory()) {
    const { buffer, wasm } = memory;
    this.memory = memory;
    this.words = new Int32Array(buffer, RECORDS_AT, MAX_RECORDS * RECORD_WORDS);
    this.doubles = new Float64Array(buffer, RECORDS_AT, MAX_RECORDS * RECORD_F64);
    this.#wasm = wasm;
  }

  /** Confirmed entries, ended ones included until they are swept. */
  get size(): number {
    return this.#wasm.tableSize();
  }

  /** How much memory all records, slots and the index take, in bytes. */
  get bytes(): number {
    return this.#wasm.tableBytes();
  }

  /** The words of all records that were ever used. */
  get usedWords(): Int32Array {
    return this.words.subarray(0, this.#wasm.recordsUsed() * RECORD_WORDS);
  }

  /**
   * A cleared record that lookups do not find until `confirm`, with both tuples set: the given one, and `reply…`.
   * NOW_MS also drives the sweeping of ended entries. -1: there are MAX_RECORDS connections already.
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

  /** Let no lookup find ENTRY any more; its record stays until `release` for the packet that is still passing. */
  unhash(entry: number): void {
    this.#wasm.unhash(entry);
  }

  /** Whether lookups find ENTRY: confirmed, and neither removed nor dying. */
  isHashed(entry: number): boolean {
    return (this.words[entry * RECORD_WORDS + STATUS] & Status.HASHED) !== 0;
  }

  /** Give the record of ENTRY, which no lookup finds, back for others. */
  release(entry: number): void {
    this.#wasm.release(entry);
  }

  /**
   * The reference of the confirmed entry that has this tuple in either direction, -1 where there is none. An entry that
   * has ended by NOW_MS is removed and not found (nf_conntrack_find_get).
   */
  find(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.#wasm.lookUp(source, destination, ports, protocol);
    if (reference < 0 || this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] > nowMs) return reference;
    this.remove(reference >>> 1);
    return -1;
  }

  /** The same, whether the entry has ended or not. */
  lookUp(source: number, destination: number, ports: number, protocol: number): number {
    return this.#wasm.lookUp(source, destination, ports, protocol);
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
    const used = this.#wasm.recordsUsed();
    for (let entry = 0; entry < used; entry++) {
      if (!this.isHashed(entry)) continue;
      if (this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] > nowMs) visit(entry);
    }
  }

  /** Remember ENTRY under its original source address, port and protocol, the latest first (nf_nat_bysource). */
  linkSource(entry: number): void {
    this.#wasm.linkSource(entry);
  }

  /** The latest linked entry whose original source may be (SOURCE, PORTS' source port, PROTOCOL), -1: none; see `nextOfSource`. */
  firstOfSource(source: number, ports: number, protocol: number): number {
    return this.#wasm.firstOfSource(source, ports, protocol);
  }

  /** The entry behind ENTRY in its chain, -1: none. Chains may hold other sources as well: compare. */
  nextOfSource(entry: number): number {
    return this.words[entry * RECORD_WORDS + SOURCE_NEXT] - 1;
  }
}

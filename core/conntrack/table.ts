/** hot: the connection table. Lookup, creation and removal are in wasm/conntrack/table.ts. */
import { Memory } from '../memory.js';
import { REGIONS } from '../memory-map.js';
import type { ProxiedConnections } from '../synproxy/proxied.js';
import {
  BYTES_F64,
  CONNECTION,
  EXPIRES_MS_F64,
  MARK,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_PORTS,
} from './record.js';

const PATH = CONNECTION.word.path;
const SOURCE_NEXT = CONNECTION.word.sourceNext;
/** In place of a path: the connection has changed since it was stored. */
const PATHS_FORGOTTEN = -1;

/** There are more connections at once than the memory has room for. */
export class TooManyConnectionsError extends Error {
  constructor() {
    super(`more than ${REGIONS.connections.count.toLocaleString('en')} connections at once are not supported`);
    this.name = 'TooManyConnectionsError';
  }
}

/**
 * Connections as fixed-size records (record.ts), found by either tuple in a hash table with open addressing.
 *
 * An *entry* is the index of a record. A *reference* is `entry * 2 + direction`; lookups return references, since a
 * tuple belongs to one direction. `words` and `doubles` are views of the memory of all possible records.
 */
export class ConntrackTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly memory: Memory;
  /** The connections of SYNPROXY; undefined if no rule has it. */
  proxied: ProxiedConnections | undefined;
  readonly #wasm: Memory['wasm'];
  /** The labels of connections. Records are reused: only those that are LABELLED have some. */
  readonly #labels = new Map<number, Set<number>>();

  /** Whether new entries can have labels. */
  #usesLabels = true;

  /** nf_conntrack_acct: whether new entries are listed with packets and bytes. */
  #accounts = true;

  /** MEMORY must not already hold a table. */
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

  /** Whether there are as many entries as nf_conntrack_max allows. */
  get isFull(): boolean {
    const { maxConnections } = this.memory.settings;
    return maxConnections !== 0 && this.size >= maxConnections;
  }

  /** The number of records used so far. All entries are below it. */
  get usedRecords(): number {
    return this.#wasm.recordsUsed();
  }

  /**
   * Memory use of the table in bytes: records that were ever used, slots (including the half that was outgrown) and the
   * index by source.
   */
  get bytes(): number {
    return this.#wasm.tableBytes();
  }

  /** The words of all records used so far. */
  get usedWords(): Int32Array {
    return this.words.subarray(0, this.usedRecords * RECORD_WORDS);
  }

  /**
   * Creates an entry with the given tuple and its inverse, which gets REPLY_PORTS. Lookups do not find it until
   * `confirm`. NOW_MS also drives the sweep of expired entries.
   *
   * @throws {TooManyConnectionsError} if the memory has room for no more
   */
  create(
    source: number,
    destination: number,
    ports: number,
    replyPorts: number,
    protocol: number,
    nowMs: number,
  ): number {
    const entry = this.#wasm.create(source, destination, ports, replyPorts, protocol, nowMs);
    if (entry < 0) throw new TooManyConnectionsError();
    return entry;
  }

  /** Makes ENTRY visible to lookups by both tuples (__nf_conntrack_confirm). */
  confirm(entry: number): void {
    this.#wasm.confirm(entry);
  }

  /** Removes ENTRY, confirmed or not. */
  remove(entry: number): void {
    this.#wasm.remove(entry);
  }

  /** Removes ENTRY if it is confirmed and has expired by NOW_MS. */
  removeIfExpired(entry: number, nowMs: number): void {
    if (this.isHashed(entry) && this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] <= nowMs) this.remove(entry);
  }

  /** Hides ENTRY from lookups. Its record stays until `release`, for the packet still being processed. */
  unhash(entry: number): void {
    this.#wasm.unhash(entry);
  }

  /** Changes the ports of the reply tuple of ENTRY, which is confirmed: a port that NAT chose. */
  setReplyPorts(entry: number, ports: number): void {
    this.unhash(entry);
    this.words[entry * RECORD_WORDS + REPLY_TUPLE + TUPLE_PORTS] = ports;
    this.#forgetPaths(entry);
    this.confirm(entry);
  }

  /** Whether lookups find ENTRY: it is confirmed and neither removed nor dying. */
  isHashed(entry: number): boolean {
    return (this.words[entry * RECORD_WORDS + STATUS] & Status.HASHED) !== 0;
  }

  /** Whether ENTRY has LABEL, 0–127 (test_bit of nf_ct_labels_find). */
  hasLabel(entry: number, label: number): boolean {
    if ((this.words[entry * RECORD_WORDS + STATUS] & Status.LABELLED) === 0) return false;
    return this.#labels.get(entry)?.has(label) === true;
  }

  /**
   * Gives ENTRY a LABEL, 0–127 (nf_connlabel_set). Its paths are invalidated, because rules may match on it. Returns
   * false if the entry can have none.
   */
  setLabel(entry: number, label: number): boolean {
    const { words } = this;
    const status = entry * RECORD_WORDS + STATUS;
    if ((words[status] & Status.UNLABELLED) !== 0) return false;
    if (this.hasLabel(entry, label)) return true;
    this.#labelsOf(entry).add(label);
    this.#forgetPaths(entry);
    return true;
  }

  #labelsOf(entry: number): Set<number> {
    const { words } = this;
    const status = entry * RECORD_WORDS + STATUS;
    let labels = (words[status] & Status.LABELLED) === 0 ? undefined : this.#labels.get(entry);
    if (labels === undefined) {
      labels = new Set();
      this.#labels.set(entry, labels);
      words[status] |= Status.LABELLED;
    }
    return labels;
  }

  /** From now on new entries can, or cannot, have labels. Those that are there stay as they are. */
  useLabels(areUsed: boolean): void {
    if (areUsed === this.#usesLabels) return;
    this.#usesLabels = areUsed;
    const { words } = this;
    for (let entry = 0; entry < this.usedRecords; entry++) {
      const status = entry * RECORD_WORDS + STATUS;
      if ((words[status] & (Status.HASHED | Status.UNLABELLED)) !== Status.HASHED) continue;
      if (!areUsed) this.#labelsOf(entry);
      else if ((words[status] & Status.LABELLED) === 0) words[status] |= Status.UNLABELLED;
    }
  }

  /** Whether the real host may have treated the connection of ENTRY in another way (`doubt`). */
  isInDoubt(entry: number): boolean {
    return (this.words[entry * RECORD_WORDS + STATUS] & Status.IN_DOUBT) !== 0;
  }

  /** Puts ENTRY in doubt: from now on its packets take the slow path, if nothing is learned from them. */
  doubt(entry: number): void {
    this.words[entry * RECORD_WORDS + STATUS] |= Status.IN_DOUBT;
    this.#forgetPaths(entry);
  }

  /** Frees the record of ENTRY, which must be hidden from lookups. */
  release(entry: number): void {
    this.#wasm.release(entry);
  }

  /**
   * The reference of the confirmed entry with this tuple in either direction; -1 if there is none. An entry that has
   * expired by NOW_MS is removed and not returned (nf_conntrack_find_get).
   */
  find(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.#wasm.lookUp(source, destination, ports, protocol);
    if (reference < 0 || this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] > nowMs) return reference;
    this.remove(reference >>> 1);
    return -1;
  }

  /** As `peek`, of an entry that has expired but is still there. */
  peekExpired(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.#wasm.lookUp(source, destination, ports, protocol);
    return reference >= 0 && this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] <= nowMs ? reference : -1;
  }

  /** Same as `find`, but an entry that has expired stays where it is. */
  peek(source: number, destination: number, ports: number, protocol: number, nowMs: number): number {
    const reference = this.#wasm.lookUp(source, destination, ports, protocol);
    return reference >= 0 && this.doubles[(reference >>> 1) * RECORD_F64 + EXPIRES_MS_F64] > nowMs ? reference : -1;
  }

  /** Whether ENTRY is listed with packets and bytes: nf_conntrack_acct was set when it was created. */
  isAccounted(entry: number): boolean {
    return this.#accounts && (this.words[entry * RECORD_WORDS + STATUS] & Status.UNACCOUNTED) === 0;
  }

  /** Unsets nf_conntrack_acct, before there are entries. */
  turnOffAccounting(): void {
    this.#accounts = false;
  }

  /** Sets nf_conntrack_acct (nf_ct_set_acct). The entries that are there go without. */
  turnOnAccounting(): void {
    if (this.#accounts) return;
    this.#accounts = true;
    const { words } = this;
    const end = this.usedRecords * RECORD_WORDS;
    for (let at = STATUS; at < end; at += RECORD_WORDS) {
      if ((words[at] & Status.HASHED) !== 0) words[at] |= Status.UNACCOUNTED;
    }
  }

  /** Counts a packet of LENGTH bytes in DIRECTION (nf_conntrack_acct). */
  account(entry: number, direction: number, length: number): void {
    const at = entry * RECORD_F64 + direction;
    this.doubles[at + PACKETS_F64] += 1;
    this.doubles[at + BYTES_F64] += length;
  }

  /** The connection mark of ENTRY, an int32. */
  mark(entry: number): number {
    return this.words[entry * RECORD_WORDS + MARK];
  }

  /**
   * Sets the connection mark of ENTRY. If the mark changes, the paths of its packets are invalidated, because rules may
   * match on it.
   */
  setMark(entry: number, mark: number): void {
    const at = entry * RECORD_WORDS + MARK;
    if (this.words[at] === mark) return;
    this.words[at] = mark;
    this.#forgetPaths(entry);
  }

  /** The path of packets of ENTRY in DIRECTION; -1 if there is none. */
  path(entry: number, direction: number): number {
    return Math.max(this.words[entry * RECORD_WORDS + PATH + direction] - 1, -1);
  }

  setPath(entry: number, direction: number, path: number): void {
    this.words[entry * RECORD_WORDS + PATH + direction] = path + 1;
  }

  /**
   * Whether ENTRY was changed since the last call for DIRECTION. If so, the current packet may have traversed some
   * rules before the change and others after it, so no other packet can follow its path.
   */
  takeChanged(entry: number, direction: number): boolean {
    const at = entry * RECORD_WORDS + PATH + direction;
    if (this.words[at] !== PATHS_FORGOTTEN) return false;
    this.words[at] = 0;
    return true;
  }

  /** Makes all connections forget the numbers of their paths. */
  forgetPaths(): void {
    const { words } = this;
    const end = this.usedRecords * RECORD_WORDS;
    for (let at = PATH; at < end; at += RECORD_WORDS) {
      for (let direction = 0; direction < 2; direction++) if (words[at + direction] > 0) words[at + direction] = 0;
    }
  }

  #forgetPaths(entry: number): void {
    const at = entry * RECORD_WORDS + PATH;
    this.words.fill(PATHS_FORGOTTEN, at, at + 2);
  }

  /** Sets ENTRY to expire TIMEOUT_MS after NOW_MS. */
  refresh(entry: number, nowMs: number, timeoutMs: number): void {
    this.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] = nowMs + timeoutMs;
  }

  /** Calls VISIT with each confirmed entry that has not expired by NOW_MS, in record order. */
  forEach(nowMs: number, visit: (entry: number) => void): void {
    for (let entry = this.next(nowMs, 0); entry >= 0; entry = this.next(nowMs, entry + 1)) visit(entry);
  }

  /** The first connection from number ENTRY on that has not expired at NOW_MS; -1 if there is none. */
  next(nowMs: number, entry: number): number {
    const used = this.usedRecords;
    for (let next = entry; next < used; next++) {
      if (this.isHashed(next) && this.doubles[next * RECORD_F64 + EXPIRES_MS_F64] > nowMs) return next;
    }
    return -1;
  }

  /**
   * Adds ENTRY to the index by original source address, port and protocol, in front of older ones (nf_nat_bysource).
   */
  linkSource(entry: number): void {
    this.#wasm.linkSource(entry);
  }

  /**
   * The newest indexed entry whose original source may be (SOURCE, source port in PORTS, PROTOCOL); -1 if there is
   * none. See `nextOfSource`.
   */
  firstOfSource(source: number, ports: number, protocol: number): number {
    return this.#wasm.firstOfSource(source, ports, protocol);
  }

  /** The entry after ENTRY in its chain; -1 at the end. Chains may mix sources, so the caller must compare. */
  nextOfSource(entry: number): number {
    return this.words[entry * RECORD_WORDS + SOURCE_NEXT] - 1;
  }
}

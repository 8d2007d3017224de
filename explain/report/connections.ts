/**
 * hot: which packets belong together. Packets that conntrack has an entry for belong to that entry; other entries with
 * the same tuple, before or after it, are other connections. Packets without an entry (dropped before there was one,
 * untracked, INVALID) belong to the last connection that had their tuple in either direction, and if there was none, or
 * they open another one, to a connection without an entry. An ICMP error belongs to what it is about, and fragments
 * without ports to their first fragment, if that has come.
 */
import { ORIGINAL_TUPLE } from '../../core/conntrack/record.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { TimeoutFields } from '../../core/events.js';
import type { IpStack } from '../../core/ip-stack.js';
import type { Frame } from '../../core/link/frame.js';
import { ArrivingPacket } from './connections/arriving-packet.js';
import { ConnectionRows, DOUBLE, INT } from './connections/connection-rows.js';
import { connectionRows } from './connections/connection-section.js';
import { type EntryAt, EntryWatch } from './connections/entry-watch.js';
import { FragmentMemory } from './connections/fragment-memory.js';
import { ERROR, type Membership, ORIGINAL, REPLY } from './connections/membership.js';
import { TupleIndex } from './connections/tuple-index.js';
import { tupleRow } from './connections/tuple-row.js';
import { CONNECTION_COLUMNS } from './format/connection-columns.js';
import { VERDICTS } from './format/model.js';
import { columnSection } from './sections.js';
import type { SeenPacket } from './seen-packet.js';
import type { Tuples } from './tuples.js';

const NONE = -1;
/** What columns of connections have in common. */
const EXPECTED = {
  reply: 'tuple',
  lastTraversal: 'traversal',
  decided: 'traversal',
  lastNs: 'firstNs',
  expiresNs: 'lastNs',
} as const;
const NS_PER_MS = 1e6;
const HELD = VERDICTS.indexOf('held');
/** The worse one last. */
const REFUSED: readonly number[] = [VERDICTS.indexOf('dropped'), VERDICTS.indexOf('rejected')];

export class ReportConnections {
  readonly rows = new ConnectionRows();
  readonly entries = new EntryWatch(this.rows);
  readonly #tuples: Tuples;
  /** The time of the host's clock, in nanoseconds from the first packet, where that is at 0. */
  #originNs: number | undefined;
  /** What the packet that was dealt with last belongs to. */
  readonly #last = { connection: NONE, direction: ERROR };
  readonly #packet = new ArrivingPacket();
  /** By tuple, the last connection that had it: its row and, in the lowest bit, the direction. */
  readonly #byTuple = new TupleIndex();
  readonly #fragments = new FragmentMemory();
  readonly #inverse = new Tuple();
  /** The entry that the packet had when it came, and its row. */
  readonly #before: EntryAt = { reference: NONE, expiresMs: 0, row: NONE };

  constructor(tuples: Tuples) {
    this.#tuples = tuples;
  }

  get count(): number {
    return this.rows.count;
  }

  /** The states of connections, and their time-outs, by the numbers that columns have for them. */
  get states(): readonly string[] {
    return this.entries.states;
  }

  get timeouts(): readonly TimeoutFields[] {
    return this.entries.timeouts;
  }

  begin(emulator: IpStack): void {
    this.entries.begin(emulator);
  }

  /** FRAME is about to enter the host. */
  enter(frame: Frame): void {
    const packet = this.#packet;
    packet.read(frame);
    if (packet.fragment !== '' && !packet.hasPorts) this.#fragments.recall(packet, frame);
    else if (packet.fragment !== '') this.#fragments.remember(packet, frame);
    this.entries.look(packet.tuple, this.#before);
  }

  /** The host has dealt with the packet SEEN, which entered last. Returns what it belongs to, until the next one. */
  settle(seen: SeenPacket): Membership {
    const packet = this.#packet;
    this.#belongs(NONE, ERROR);
    if (seen.tuple < 0 || !packet.hasTuple) return this.#last;
    this.#originNs ??= seen.timeNs - this.entries.nowMs * NS_PER_MS;
    if (!this.#findFragment() && !(packet.isError && this.#findQuoted(seen))) this.#find(seen);
    if (packet.fragment !== '') this.#fragments.settle(packet, this.#last, seen.verdict === HELD);
    this.#note(seen);
    return this.#last;
  }

  /** The connections as they are now. */
  section(): Uint8Array {
    const rows = connectionRows(this.rows, this.entries, this.#originNs ?? 0);
    return columnSection(CONNECTION_COLUMNS, rows, EXPECTED);
  }

  /** A fragment without ports belongs to what its first fragment belongs to, if that is an error. */
  #findFragment(): boolean {
    const { connection, direction } = this.#fragments.found;
    if (this.#packet.fragment === '' || connection < 0 || direction !== ERROR) return false;
    this.#last.connection = connection;
    this.#last.direction = direction;
    return true;
  }

  /** What an ICMP error is about: the packet that it quotes has been sent, so its inverse is that of an answer. */
  #findQuoted(seen: SeenPacket): boolean {
    const { quoted } = this.#packet;
    const inverse = this.#inverse;
    Object.assign(inverse, quoted);
    const hasInverse = inverse.invert();
    const before = this.#before;
    if (hasInverse) this.entries.look(inverse, before);
    if (before.reference >= 0 && before.expiresMs > this.entries.nowMs)
      this.#last.connection = before.row < 0 ? this.#addEntry(before.reference, seen) : before.row;
    else {
      const found = hasInverse ? this.#lastOf(inverse) : NONE;
      this.#last.connection = (found < 0 ? this.#lastOf(quoted) : found) >> 1;
    }
    return this.#last.connection >= 0;
  }

  #find(seen: SeenPacket): void {
    const { entries } = this;
    const before = this.#before;
    const wasThere = before.reference >= 0 && before.expiresMs > entries.nowMs;
    const after = entries.referenceOf(this.#packet.tuple);
    const isReopened = seen.tracked?.isReopened === true;
    if (isReopened && before.row >= 0) entries.end(before.row, 'reopened');
    if (after >= 0) {
      const isSame = wasThere && !isReopened && after >> 1 === before.reference >> 1;
      if (isSame) this.#belongs(before.row < 0 ? this.#addEntry(after, seen) : before.row, after & 1);
      else this.#opened(after, seen);
    } else if (wasThere && !isReopened) {
      // Its own packet has ended it.
      const row = before.row < 0 ? this.#addGone(seen) : before.row;
      entries.end(row, 'reset');
      this.#belongs(row, before.reference & 1);
    } else this.#findWithoutEntry(seen, isReopened);
  }

  /** The packet has opened the entry at REFERENCE. */
  #opened(reference: number, seen: SeenPacket): void {
    const { tuple, isOpener } = this.#packet;
    const found = this.#lastOf(tuple);
    const row = found >> 1;
    if (found >= 0 && (found & 1) === ORIGINAL && this.entries.hadNone(row) && (reference & 1) === ORIGINAL) {
      // Those that came before were dropped, or not tracked.
      this.entries.bind(row, reference >> 1);
      this.#indexReply(row);
      this.#belongs(row, ORIGINAL);
      return;
    }
    if (found >= 0) this.entries.endBefore(row, !isOpener);
    this.#belongs(this.#addEntry(reference, seen), reference & 1);
  }

  /** There is no entry for the packet. IS_REOPENED: the one that there was gave way to it. */
  #findWithoutEntry(seen: SeenPacket, isReopened: boolean): void {
    const { tuple, isOpener, sequence } = this.#packet;
    const { rows } = this;
    const found = isReopened ? NONE : this.#lastOf(tuple);
    const row = found >> 1;
    if (found >= 0) this.entries.endBefore(row, !isOpener);
    // A stray packet with the ends of another one, whose entry is still there: NAT has given that other ends.
    const isOther = found >= 0 && seen.tracked?.ctstate === 'NEW' && this.entries.isThere(row);
    const isRepeated = found >= 0 && rows.int(row, INT.hasSequence) === 1 && rows.int(row, INT.sequence) === sequence;
    if (found >= 0 && !isOther && (!isOpener || (isRepeated && (found & 1) === ORIGINAL)))
      this.#belongs(row, found & 1);
    else this.#belongs(this.#add(tuple, seen), ORIGINAL);
  }

  #belongs(row: number, direction: number): void {
    this.#last.connection = row;
    this.#last.direction = direction;
  }

  #lastOf({ source, destination, ports, protocol }: Tuple): number {
    return this.#byTuple.get(source, destination, ports, protocol);
  }

  /** Adds a connection without an entry, whose first packet has TUPLE. */
  #add({ source, destination, ports, protocol }: Tuple, seen: SeenPacket): number {
    const { rows } = this;
    const row = rows.add();
    rows.setInt(row, INT.source, source);
    rows.setInt(row, INT.destination, destination);
    rows.setInt(row, INT.ports, ports);
    rows.setInt(row, INT.protocol, protocol);
    rows.setInt(row, INT.tuple, this.#tuples.numberOfRow(tupleRow(source, destination, ports, protocol)));
    rows.setInt(row, INT.reply, NONE);
    rows.setInt(row, INT.inDev, seen.inDev);
    rows.setInt(row, INT.outDev, seen.outDev);
    for (const column of [INT.traversal, INT.lastTraversal, INT.decided]) rows.setInt(row, column, seen.traversal);
    for (const column of [INT.entry, INT.state, INT.timeout, INT.verdict]) rows.setInt(row, column, NONE);
    rows.setDouble(row, DOUBLE.firstNs, seen.timeNs);
    rows.setDouble(row, DOUBLE.expiresMs, NONE);
    if (this.#packet.isOpener) {
      rows.setInt(row, INT.sequence, this.#packet.sequence);
      rows.setInt(row, INT.hasSequence, 1);
    }
    this.#index(row, source, destination, ports, protocol, ORIGINAL);
    return row;
  }

  /** Adds the connection of the entry at REFERENCE, which the packet has opened, or which was there before. */
  #addEntry(reference: number, seen: SeenPacket): number {
    const entry = reference >> 1;
    const row = this.#add(this.entries.readTuple(entry, ORIGINAL_TUPLE, this.#inverse), seen);
    this.entries.bind(row, entry);
    this.#indexReply(row);
    return row;
  }

  /** Adds the connection of an entry that was there before, and that the packet, which is its first one, has ended. */
  #addGone(seen: SeenPacket): number {
    return this.#add(this.#packet.tuple, seen);
  }

  #indexReply(row: number): void {
    const { rows } = this;
    const [source, destination] = [rows.int(row, INT.replySource), rows.int(row, INT.replyDestination)];
    const [ports, protocol] = [rows.int(row, INT.replyPorts), rows.int(row, INT.protocol)];
    rows.setInt(row, INT.reply, this.#tuples.numberOfRow(tupleRow(source, destination, ports, protocol)));
    this.#index(row, source, destination, ports, protocol, REPLY);
  }

  /** Packets with the tuple, and those with its inverse, belong to ROW from now on. */
  #index(row: number, source: number, destination: number, ports: number, protocol: number, direction: number): void {
    const inverse = this.#inverse;
    Object.assign(inverse, { source, destination, ports, protocol });
    if (protocol < 256 && inverse.invert()) {
      const { source: from, destination: to, ports: other } = inverse;
      this.#byTuple.set(from, to, other, protocol, row * 2 + (direction ^ 1));
    }
    this.#byTuple.set(source, destination, ports, protocol, row * 2 + direction);
  }

  /** Counts the packet where it belongs. */
  #note(seen: SeenPacket): void {
    const { rows } = this;
    const { connection: row, direction } = this.#last;
    rows.setDouble(row, DOUBLE.lastNs, seen.timeNs);
    if (direction === ERROR) {
      if (rows.int(row, INT.verdict) === NONE) rows.setInt(row, INT.verdict, seen.verdict);
      rows.addDouble(row, DOUBLE.errors, 1);
      rows.addDouble(row, DOUBLE.errorBytes, seen.length);
    } else {
      rows.addDouble(row, DOUBLE.packets + direction, 1);
      rows.addDouble(row, DOUBLE.bytes + direction, seen.length);
      rows.setInt(row, INT.lastTraversal, seen.traversal);
      if (direction === ORIGINAL && rows.int(row, INT.outDev) === NONE) rows.setInt(row, INT.outDev, seen.outDev);
      noteVerdict(rows, row, seen);
    }
    if (REFUSED.includes(seen.verdict)) rows.setInt(row, INT.refused, rows.int(row, INT.refused) + 1);
    if (seen.tracked?.ctstate === 'INVALID') rows.setInt(row, INT.invalid, rows.int(row, INT.invalid) + 1);
    if (direction !== ERROR) this.entries.note(row, seen.tracked);
  }
}

/** Notes the verdict of the packet SEEN: a connection has that of its first packet, or of the one that was refused. */
function noteVerdict(rows: ConnectionRows, row: number, { verdict, traversal }: SeenPacket): void {
  const known = rows.int(row, INT.verdict);
  const packets = rows.double(row, DOUBLE.packets) + rows.double(row, DOUBLE.packets + 1);
  const isFirst = packets === 1 || known === HELD;
  if (!isFirst && REFUSED.indexOf(verdict) <= REFUSED.indexOf(known)) return;
  rows.setInt(row, INT.verdict, verdict);
  rows.setInt(row, INT.decided, traversal);
}

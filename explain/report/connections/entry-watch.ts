/** hot: which of conntrack's entries are those of which connections, and what becomes of them. */
import {
  EXPIRES_MS_F64,
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../../../core/conntrack/record.js';
import type { ConntrackTable } from '../../../core/conntrack/table.js';
import type { Tuple } from '../../../core/conntrack/tuple.js';
import type { TimeoutFields, TrackedEvent } from '../../../core/events.js';
import type { IpStack } from '../../../core/ip-stack.js';
import { ENTRY_ENDS } from '../format/connection-columns.js';
import { type ConnectionRows, DOUBLE, INT } from './connection-rows.js';

export type EntryEnd = (typeof ENTRY_ENDS)[number];

const NONE = -1;
const END = Object.fromEntries(ENTRY_ENDS.map((end, i) => [end, i])) as Record<EntryEnd, number>;

/** An entry as a packet finds it. */
export interface EntryAt {
  /** As in ConntrackTable; -1: there is none. It may have expired. */
  reference: number;
  expiresMs: number;
  /** The connection that it belongs to; -1: none yet. */
  row: number;
}

export class EntryWatch {
  /** The states of connections, and their time-outs, by their numbers. */
  readonly states: string[] = [];
  readonly timeouts: TimeoutFields[] = [];
  readonly #stateNumbers = new Map<string, number>();
  readonly #timeoutNumbers = new Map<string, number>();
  readonly #rows: ConnectionRows;
  #rowOfEntry = new Int32Array(1 << 10).fill(NONE);
  #emulator!: IpStack;

  constructor(rows: ConnectionRows) {
    this.#rows = rows;
  }

  begin(emulator: IpStack): void {
    this.#emulator = emulator;
  }

  get nowMs(): number {
    return this.#emulator.nowMs;
  }

  get table(): ConntrackTable {
    return this.#emulator.connections;
  }

  /** The reference to the entry of TUPLE now; -1: there is none. */
  referenceOf({ source, destination, ports, protocol }: Tuple): number {
    return protocol > 255 ? NONE : this.table.peek(source, destination, ports, protocol, this.nowMs);
  }

  /** Sets AT to the entry of TUPLE, whether it has expired or not. */
  look({ source, destination, ports, protocol }: Tuple, at: EntryAt): void {
    const { table } = this;
    at.row = NONE;
    at.reference = protocol > 255 ? NONE : table.peek(source, destination, ports, protocol, Number.NEGATIVE_INFINITY);
    if (at.reference < 0) return;
    const entry = at.reference >> 1;
    at.expiresMs = table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64];
    const row = entry < this.#rowOfEntry.length ? this.#rowOfEntry[entry] : NONE;
    if (row >= 0 && this.#isOf(row, entry)) at.row = row;
  }

  /** Whether the record ENTRY still has the entry of the connection in ROW: records are used again. */
  #isOf(row: number, entry: number): boolean {
    const { words } = this.table;
    const rows = this.#rows;
    const base = entry * RECORD_WORDS;
    return (
      this.#rowOfEntry[entry] === row &&
      rows.int(row, INT.entry) === entry &&
      words[base + ORIGINAL_TUPLE + TUPLE_SOURCE] === rows.int(row, INT.source) &&
      words[base + ORIGINAL_TUPLE + TUPLE_DESTINATION] === rows.int(row, INT.destination) &&
      words[base + ORIGINAL_TUPLE + TUPLE_PORTS] === rows.int(row, INT.ports)
    );
  }

  /** Reads PART of ENTRY (ORIGINAL_TUPLE or REPLY_TUPLE) into TUPLE, which it returns. */
  readTuple(entry: number, part: number, tuple: Tuple): Tuple {
    const { words } = this.table;
    const base = entry * RECORD_WORDS;
    tuple.source = words[base + part + TUPLE_SOURCE];
    tuple.destination = words[base + part + TUPLE_DESTINATION];
    tuple.ports = words[base + part + TUPLE_PORTS];
    tuple.protocol = words[base + PROTOCOL] & 0xff;
    return tuple;
  }

  /** ENTRY is that of the connection in ROW from now on. */
  bind(row: number, entry: number): void {
    const { words } = this.table;
    const rows = this.#rows;
    if (entry >= this.#rowOfEntry.length) {
      const larger = new Int32Array(Math.max(entry + 1, this.#rowOfEntry.length * 2)).fill(NONE);
      larger.set(this.#rowOfEntry);
      this.#rowOfEntry = larger;
    }
    this.#rowOfEntry[entry] = row;
    const base = entry * RECORD_WORDS + REPLY_TUPLE;
    rows.setInt(row, INT.entry, entry);
    rows.setInt(row, INT.entryEnd, END.open);
    rows.setInt(row, INT.replySource, words[base + TUPLE_SOURCE]);
    rows.setInt(row, INT.replyDestination, words[base + TUPLE_DESTINATION]);
    rows.setInt(row, INT.replyPorts, words[base + TUPLE_PORTS]);
  }

  /** Whether the connection in ROW never had an entry. */
  hadNone(row: number): boolean {
    return this.#rows.int(row, INT.entryEnd) === END.none;
  }

  /** Whether the connection in ROW has its entry now. */
  isThere(row: number): boolean {
    const entry = this.#rows.int(row, INT.entry);
    return (
      entry >= 0 &&
      this.#isOf(row, entry) &&
      this.table.isHashed(entry) &&
      this.table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64] > this.nowMs
    );
  }

  /** HOW the entry of the connection in ROW has just ended, if it had not ended before. */
  end(row: number, how: EntryEnd): void {
    const rows = this.#rows;
    if (rows.int(row, INT.entryEnd) > END.open) return;
    rows.setInt(row, INT.entry, NONE);
    rows.setInt(row, INT.entryEnd, END[how]);
  }

  /**
   * There is a packet with a tuple of the connection in ROW, but not for its entry: notes how that has ended, if it has.
   * IS_CUT: the packet does not open another connection, so that it was too late.
   */
  endBefore(row: number, isCut: boolean): void {
    const end = this.endOf(row);
    if (this.#rows.int(row, INT.entryEnd) !== END.open || end === END.open) return;
    if (end === END.expired && isCut) this.#rows.setInt(row, INT.isCut, 1);
    this.#rows.setInt(row, INT.entry, NONE);
    this.#rows.setInt(row, INT.entryEnd, end);
  }

  /** What has become of the entry of the connection in ROW: a position in ENTRY_ENDS. */
  endOf(row: number): number {
    const rows = this.#rows;
    if (rows.int(row, INT.entryEnd) !== END.open || this.isThere(row)) return rows.int(row, INT.entryEnd);
    return rows.double(row, DOUBLE.expiresMs) <= this.nowMs ? END.expired : END.removed;
  }

  /** Conntrack has said TRACKED of a packet of the connection in ROW. */
  note(row: number, tracked: TrackedEvent | undefined): void {
    const rows = this.#rows;
    const entry = rows.int(row, INT.entry);
    if (rows.int(row, INT.entryEnd) === END.none || tracked?.direction === undefined) return;
    const { stateAfter, timeout } = tracked;
    if (stateAfter !== undefined) rows.setInt(row, INT.state, this.#stateNumber(stateAfter));
    if (timeout !== undefined) rows.setInt(row, INT.timeout, this.#timeoutNumber(timeout));
    if (entry >= 0) rows.setDouble(row, DOUBLE.expiresMs, this.table.doubles[entry * RECORD_F64 + EXPIRES_MS_F64]);
  }

  #stateNumber(state: string): number {
    let number = this.#stateNumbers.get(state);
    if (number === undefined) {
      number = this.states.length;
      this.states.push(state);
      this.#stateNumbers.set(state, number);
    }
    return number;
  }

  #timeoutNumber(timeout: TimeoutFields): number {
    const key = `${timeout.sysctl} ${timeout.seconds}`;
    let number = this.#timeoutNumbers.get(key);
    if (number === undefined) {
      number = this.timeouts.length;
      this.timeouts.push(timeout);
      this.#timeoutNumbers.set(key, number);
    }
    return number;
  }
}

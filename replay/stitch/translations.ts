/** hot: which connection a captured packet belongs to, and what it was before the host translated it. */
import {
  NAT_MASK,
  ORIGINAL_TUPLE,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../../core/conntrack/record.js';
import type { ConntrackTable } from '../../core/conntrack/table.js';
import { invertPorts, type Tuple } from '../../core/conntrack/tuple.js';
import { ORIGINAL } from '../../core/packet.js';
import { RecentTuples } from './recent-tuples.js';

/**
 * How a captured tuple relates to the connections of the host. ORIGINAL: the opener of one sent it. REPLY: the other
 * side sent it, and it is captured as the opener got it. ENDED: the same, of a translated connection that has ended.
 * Those captured on the far side of the NAT: COPY: what the opener sent, after its translation. BEHIND: what the other
 * side sent, before its translation. NONE: it belongs to no connection.
 */
export const View = { NONE: 0, ORIGINAL: 1, REPLY: 2, ENDED: 3, COPY: 4, BEHIND: 5 } as const;
export type View = (typeof View)[keyof typeof View];

// The words of a translation: the tuple before it.
const SOURCE = 0;
const DESTINATION = 1;
const PORTS = 2;
const WORDS = 3;

export class Translations {
  /** The connection found last; -1 if there was none, or if it has ended. */
  entry = -1;
  readonly #table: ConntrackTable;
  /** What replies to the connections that were translated last were before, by their tuples as captured. */
  readonly #recent: RecentTuples;

  constructor(table: ConntrackTable) {
    this.#table = table;
    this.#recent = new RecentTuples(WORDS, undefined, table.memory.hash);
  }

  /** Finds the connection of TUPLE at NOW_MS. */
  find({ source, destination, ports, protocol }: Tuple, nowMs: number): View {
    const table = this.#table;
    const direct = table.peek(source, destination, ports, protocol, nowMs);
    this.entry = direct >> 1;
    if (direct >= 0) {
      if ((direct & 1) === ORIGINAL) return View.ORIGINAL;
      if (!this.isTranslated(this.entry)) return View.REPLY;
    }
    const reply = table.peek(destination, source, invertPorts(ports, protocol), protocol, nowMs);
    if (reply >= 0 && (reply & 1) === ORIGINAL) {
      this.entry = reply >> 1;
      return View.REPLY;
    }
    if (reply >= 0) {
      this.entry = reply >> 1;
      return View.COPY;
    }
    if (direct >= 0) return View.BEHIND;
    return this.#recent.find(source, destination, ports, protocol + 1) < 0 ? View.NONE : View.ENDED;
  }

  isTranslated(entry: number): boolean {
    return (this.#table.words[entry * RECORD_WORDS + STATUS] & NAT_MASK) !== 0;
  }

  /** Writes to INTO what the answering side of ENTRY sends: its reply tuple. */
  replyOf(entry: number, into: Tuple): void {
    this.#write(entry * RECORD_WORDS + REPLY_TUPLE, into);
  }

  /** Writes to INTO what the opener of ENTRY gets for a reply: the inverse of its original tuple. */
  replyAsCaptured(entry: number, into: Tuple): void {
    this.#write(entry * RECORD_WORDS + ORIGINAL_TUPLE, into);
    into.invert();
  }

  /** The same as `replyOf` for the reply TUPLE as captured, of a connection that has ended. */
  endedReplyOf({ source, destination, ports, protocol }: Tuple, into: Tuple): void {
    const at = this.#recent.find(source, destination, ports, protocol + 1);
    const { words } = this.#recent;
    into.source = words[at + SOURCE];
    into.destination = words[at + DESTINATION];
    into.ports = words[at + PORTS];
    into.protocol = protocol;
  }

  /** Remembers the translation of ENTRY, of which TUPLE is an original packet, beyond its end. */
  remember(entry: number, { source, destination, ports, protocol }: Tuple): void {
    const at = this.#recent.insert(destination, source, invertPorts(ports, protocol), protocol + 1);
    const { words } = this.#recent;
    const reply = entry * RECORD_WORDS + REPLY_TUPLE;
    words[at + SOURCE] = this.#table.words[reply + TUPLE_SOURCE];
    words[at + DESTINATION] = this.#table.words[reply + TUPLE_DESTINATION];
    words[at + PORTS] = this.#table.words[reply + TUPLE_PORTS];
  }

  #write(tupleAt: number, into: Tuple): void {
    const { words } = this.#table;
    into.source = words[tupleAt + TUPLE_SOURCE];
    into.destination = words[tupleAt + TUPLE_DESTINATION];
    into.ports = words[tupleAt + TUPLE_PORTS];
  }
}

/**
 * The packets of one host about which the emulation is not sure, and why: rules that it cannot follow, and the
 * connections that these may have changed.
 *
 * A packet is uncertain as a whole: with all that the host does because of it. If a rule may have decided about its
 * connection, then so are the later packets of that connection. They take the slow path (`ConntrackTable.doubt`).
 */
import type { Clock } from './clock.js';
import {
  ORIGINAL_TUPLE,
  PROTOCOL,
  RECORD_WORDS,
  REPLY_TUPLE,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from './conntrack/record.js';
import type { ConntrackTable } from './conntrack/table.js';
import { Tuple } from './conntrack/tuple.js';
import type { Observation } from './events.js';
import { nothingToLearn } from './flow/flow-walk.js';
import { Hook, type HookEntry, Priority, type TableName, Verdict } from './hooks.js';
import { CtInfo, type Packet } from './packet.js';
import type { Rule } from './rules/model.js';

/** Why packets are uncertain. */
export interface UncertainCause {
  /** In words, as behind the rule: `` `-m socket` was not asked ``. */
  readonly reason: string;
  /**
   * packet: only what becomes of the packet. connection: also the later packets of its connection. related: also
   * connections that open between the same two addresses, which a helper may expect.
   */
  readonly scope: 'packet' | 'connection' | 'related';
  /** Where: a rule, if the cause is one. */
  readonly table?: TableName;
  readonly rule?: Rule;
}

export interface UncertainCount {
  readonly cause: UncertainCause;
  /** Received or sent packets, each at most once. */
  readonly packets: number;
}

/** How many received or sent packets are uncertain, and for what causes; one packet may have several. */
export interface UncertainPackets {
  readonly packets: number;
  /** In the order in which they were met. */
  readonly causes: readonly UncertainCount[];
}

interface Tally {
  readonly cause: UncertainCause;
  packets: number;
  /** The number of the last packet that was counted. */
  last: number;
}

/** Tuples beyond this many are not told apart any more: then every connection that opens is uncertain. */
const MAX_TUPLES = 2 ** 20;

export class Uncertainty implements UncertainPackets {
  packets = 0;
  /** Called when tuples without a connection are uncertain for the first time. */
  onLostConnection: () => void = () => {};
  readonly #table: ConntrackTable;
  readonly #clock: Clock;
  readonly #observation: Observation;
  readonly #notify: ((cause: UncertainCause) => void) | undefined;
  /** The number of the last uncertain packet. */
  #last = -1;
  readonly #tallies = new Map<string, Tally>();
  readonly #known = new WeakMap<UncertainCause, Tally>();
  /** The cause of each connection in doubt, by entry. Entries are reused: only those in doubt count. */
  readonly #connections = new Map<number, UncertainCause>();
  /** Connections that only the real host may have: their tuples, in either direction. */
  readonly #lost = new Map<string, UncertainCause>();
  /** Pairs of addresses between which a connection that opens may be an expected one. */
  readonly #pairs = new Map<string, UncertainCause>();
  readonly #tuple = new Tuple();

  /** NOTIFY is called once for each cause of a received or sent packet. */
  constructor(table: ConntrackTable, clock: Clock, observation: Observation, notify?: (cause: UncertainCause) => void) {
    this.#table = table;
    this.#clock = clock;
    this.#observation = observation;
    this.#notify = notify;
  }

  get causes(): UncertainCount[] {
    return [...this.#tallies.values()].map(({ cause, packets }) => ({ cause, packets }));
  }

  /** Whether the packet that was received or sent last is uncertain. */
  get isCurrent(): boolean {
    return this.#last === this.#clock.packets;
  }

  /** Called after conntrack: a packet of an uncertain connection is uncertain. */
  get entries(): readonly HookEntry[] {
    const run = (packet: Packet): Verdict => {
      if (this.#connections.size > 0 || this.#lost.size > 0) this.#follow(packet);
      return Verdict.ACCEPT;
    };
    return [Hook.PREROUTING, Hook.OUTPUT].map((hook) => {
      return { name: 'uncertain', hook, priority: Priority.CONNTRACK, run, learn: nothingToLearn };
    });
  }

  /** PACKET is uncertain because of CAUSE. */
  doubt(packet: Packet, cause: UncertainCause): void {
    this.#count(cause);
    const { ct } = packet;
    const isWide = cause.scope !== 'packet';
    if (ct >= 0 && (isWide || !this.#table.isHashed(ct))) this.#doubtConnection(ct, cause);
    else if (ct < 0 && isWide) this.#doubtTuple(packet, cause);
  }

  #count(cause: UncertainCause): void {
    const { packets } = this.#clock;
    if (this.#last !== packets) this.packets++;
    this.#last = packets;
    const tally = this.#known.get(cause) ?? this.#tallyOf(cause);
    if (tally.last === packets) return;
    tally.last = packets;
    tally.packets++;
    this.#observation.emit?.({ kind: 'uncertain', cause: tally.cause });
    this.#notify?.(tally.cause);
  }

  /** Causes with the same words are one. */
  #tallyOf(cause: UncertainCause): Tally {
    const key = `${cause.table} ${cause.rule?.index} ${cause.reason}`;
    const tally = this.#tallies.get(key) ?? { cause, packets: 0, last: -1 };
    this.#tallies.set(key, tally);
    this.#known.set(cause, tally);
    return tally;
  }

  #doubtConnection(entry: number, cause: UncertainCause): void {
    if (this.#table.isInDoubt(entry)) return;
    this.#table.doubt(entry);
    this.#connections.set(entry, cause);
    // It may never be confirmed here, though it is by the real host, or end here and not there.
    const { words } = this.#table;
    const base = entry * RECORD_WORDS;
    const protocol = words[base + PROTOCOL] & 0xff;
    for (const at of [base + ORIGINAL_TUPLE, base + REPLY_TUPLE]) {
      this.#lose(protocol, words[at + TUPLE_SOURCE], words[at + TUPLE_DESTINATION], words[at + TUPLE_PORTS], cause);
    }
  }

  /** PACKET has no connection: conntrack has not seen it yet, took it for INVALID, or leaves it alone. */
  #doubtTuple(packet: Packet, cause: UncertainCause): void {
    const tuple = this.#tuple;
    if (!tuple.read(packet.view, packet.at, packet.available)) return;
    const { source, destination, ports, protocol } = tuple;
    const reference = this.#table.peek(source, destination, ports, protocol, packet.nowMs);
    if (reference >= 0) this.#doubtConnection(reference >>> 1, cause);
    this.#lose(protocol, source, destination, ports, cause);
    if (tuple.invert()) this.#lose(protocol, tuple.source, tuple.destination, tuple.ports, cause);
  }

  #lose(protocol: number, source: number, destination: number, ports: number, cause: UncertainCause): void {
    if (this.#lost.size === 0) this.onLostConnection();
    if (this.#lost.size < MAX_TUPLES) this.#lost.set(`${protocol} ${source} ${destination} ${ports}`, cause);
  }

  /** The ends of ENTRY, as each of them sees the other: NAT makes two pairs of them. */
  #relate(entry: number, cause: UncertainCause): void {
    const { words } = this.#table;
    for (const tuple of [ORIGINAL_TUPLE, REPLY_TUPLE]) {
      const at = entry * RECORD_WORDS + tuple;
      const pair = pairOf(words[at + TUPLE_SOURCE], words[at + TUPLE_DESTINATION]);
      if (this.#pairs.has(pair) || this.#pairs.size >= MAX_TUPLES) continue;
      this.#pairs.set(pair, cause);
      this.onLostConnection();
    }
  }

  #follow(packet: Packet): void {
    const { ct } = packet;
    if (ct >= 0 && this.#table.isInDoubt(ct)) {
      const cause = this.#connections.get(ct);
      if (cause === undefined) return;
      this.#count(cause);
      if (cause.scope === 'related') this.#relate(ct, cause);
    } else if (ct < 0 || !this.#table.isHashed(ct)) {
      const cause = this.#lostCause(packet);
      if (cause === undefined) return;
      this.#count(cause);
      if (ct >= 0) this.#doubtConnection(ct, cause);
    }
  }

  /** The cause why PACKET's connection, which it opens or lacks, may be another one on the real host. */
  #lostCause(packet: Packet): UncertainCause | undefined {
    const tuple = this.#tuple;
    if (this.#lost.size + this.#pairs.size === 0 || packet.ctinfo === CtInfo.UNTRACKED) return undefined;
    if (this.#lost.size >= MAX_TUPLES) return this.#lost.values().next().value;
    if (!tuple.read(packet.view, packet.at, packet.available)) return undefined;
    const { source, destination, ports, protocol } = tuple;
    return (
      this.#lost.get(`${protocol} ${source} ${destination} ${ports}`) ?? this.#pairs.get(pairOf(source, destination))
    );
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/**
 * Counts the connections of each network, as `-m connlimit` does (nf_conncount).
 *
 * The kernel does not know when a connection ends. It keeps a list of the tuples that it has counted, and drops those
 * that have no entry any more, or one that is closed, when it looks at the list again: at most once a tick. Until then
 * they count, and so does each further packet of a connection that has no confirmed entry yet.
 */
import { TICK_MS } from '../clock.js';
import type { Packet } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import { ORIGINAL_TUPLE, PROTOCOL, RECORD_WORDS, STATUS, Status, TUPLE_PORTS } from './record.js';
import type { ConntrackTable } from './table.js';
import { Tuple } from './tuple.js';

/** How many tuples may be dropped, or be added in a tick, before the list is looked at again. */
const MAX_COLLECTED = 64;
/**
 * From this many lists on, those without open connections are removed, so that a flood from many addresses does not
 * fill the memory. The kernel removes them in the background (tree_gc_worker).
 */
const MANY_LISTS = 2 ** 16;
/** The bits of a record's protocol word that hold the zone. */
const ZONE_SHIFT = 16;
const ZONE_FACTOR = 2 ** 32;

/** A counted connection. */
interface CountedTuple {
  readonly source: number;
  readonly destination: number;
  readonly ports: number;
  /** With the zone, as in a record. */
  readonly protocol: number;
}

class CountedList {
  tuples: CountedTuple[] = [];
  /** When the tuples were looked at, and how many were left. */
  collectedTick: number;
  collectedCount = 0;

  constructor(tick: number) {
    this.collectedTick = tick;
  }
}

export class ConnectionCount {
  readonly #table: ConntrackTable;
  readonly #lists = new Map<number, CountedList>();
  readonly #tuple = new Tuple();
  /** With how many lists they are looked through next. */
  #sweepAt = MANY_LISTS;

  constructor(table: ConntrackTable) {
    this.#table = table;
  }

  /** How many networks have a list. */
  get networks(): number {
    return this.#lists.size;
  }

  /**
   * Counts the connection of PACKET among those of NETWORK, an address as loaded, and returns how many these are. 0:
   * the kernel cannot count it, and drops the packet (nf_conncount_count_skb).
   */
  count(packet: Packet, network: number): number {
    const tick = Math.floor(packet.nowMs / TICK_MS);
    const entry = this.#identify(packet);
    if (entry === undefined) return 0;
    const key = (this.#tuple.protocol >>> ZONE_SHIFT) * ZONE_FACTOR + (network >>> 0);
    const list = this.#lists.get(key);
    if (list === undefined) {
      if (this.#lists.size >= this.#sweepAt) this.#sweep(packet.nowMs);
      const first = new CountedList(tick);
      first.tuples.push(this.#counted());
      this.#lists.set(key, first);
      return 1;
    }
    this.#add(list, entry, packet, tick);
    return list.tuples.length;
  }

  /**
   * Sets the tuple of PACKET's connection, and returns its entry; -1 if it has none. Undefined: it has no tuple
   * (get_ct_or_tuple_from_skb).
   */
  #identify(packet: Packet): number | undefined {
    const tuple = this.#tuple;
    if (packet.ct >= 0) {
      const { words } = this.#table;
      const base = packet.ct * RECORD_WORDS;
      tuple.source = words[base + ORIGINAL_TUPLE];
      tuple.destination = words[base + ORIGINAL_TUPLE + 1];
      tuple.ports = words[base + ORIGINAL_TUPLE + TUPLE_PORTS];
      tuple.protocol = words[base + PROTOCOL];
      return packet.ct;
    }
    if (!tuple.read(packet.view, packet.at, packet.available)) return undefined;
    const reference = this.#table.find(tuple.source, tuple.destination, tuple.ports, tuple.protocol, packet.nowMs);
    return reference < 0 ? -1 : reference >>> 1;
  }

  /** Removes the lists that have no open connection. As twice as many have to follow, that costs little per list. */
  #sweep(nowMs: number): void {
    for (const [key, { tuples }] of this.#lists) {
      if (!tuples.some((tuple) => this.#isOpen(tuple, nowMs))) this.#lists.delete(key);
    }
    this.#sweepAt = Math.max(MANY_LISTS, 2 * this.#lists.size);
  }

  /** Only looks: an entry that has expired stays where it is. */
  #isOpen(tuple: CountedTuple, nowMs: number): boolean {
    const { source, destination, ports, protocol } = tuple;
    const reference = this.#table.peek(source, destination, ports, protocol, nowMs);
    return reference >= 0 && !this.#isClosed(reference >>> 1, tuple);
  }

  /** __nf_conncount_add. */
  #add(list: CountedList, entry: number, packet: Packet, tick: number): void {
    const status = entry < 0 ? 0 : this.#table.words[entry * RECORD_WORDS + STATUS];
    if ((status & Status.CONFIRMED) !== 0 && (status & Status.ASSURED) !== 0) {
      // It is not added any more, even if it was never counted.
      if (list.collectedTick !== tick) this.#collect(list, packet.nowMs, tick, false);
      return;
    }
    const isRecent = list.collectedTick === tick && list.tuples.length - list.collectedCount < MAX_COLLECTED;
    const isSkipped = (status & Status.CONFIRMED) === 0 && isRecent;
    if (isSkipped || !this.#collect(list, packet.nowMs, tick, true)) list.tuples.push(this.#counted());
  }

  /**
   * Drops the tuples of LIST that have no open connection. LOOKS_FOR_OWN: stops and returns true at the tuple of the
   * current packet, if that has an entry.
   */
  #collect(list: CountedList, nowMs: number, tick: number, looksForOwn: boolean): boolean {
    const { tuples } = list;
    let collected = 0;
    let kept = 0;
    let at = 0;
    let isFound = false;
    let isEnough = false;
    for (; at < tuples.length && !isFound && !isEnough; at++) {
      if (looksForOwn && collected > MAX_COLLECTED) break;
      const tuple = tuples[at];
      const entry = this.#entryOf(tuple, nowMs);
      isFound = entry >= 0 && looksForOwn && this.#isOwn(tuple);
      if (!isFound && (entry < 0 || this.#isClosed(entry, tuple))) {
        collected++;
        continue;
      }
      tuples[kept++] = tuple;
      // Without an own tuple to look for, the kernel only stops at one that stays.
      isEnough = !looksForOwn && collected > MAX_COLLECTED;
    }
    tuples.splice(kept, at - kept);
    if (isFound) return true;
    list.collectedTick = tick;
    list.collectedCount = tuples.length;
    return false;
  }

  #entryOf({ source, destination, ports, protocol }: CountedTuple, nowMs: number): number {
    const reference = this.#table.find(source, destination, ports, protocol, nowMs);
    return reference < 0 ? -1 : reference >>> 1;
  }

  #isClosed(entry: number, { protocol }: CountedTuple): boolean {
    return protocolOf(protocol & 0xff).isClosed(this.#table, entry);
  }

  #isOwn({ source, destination, ports, protocol }: CountedTuple): boolean {
    const own = this.#tuple;
    return source === own.source && destination === own.destination && ports === own.ports && protocol === own.protocol;
  }

  #counted(): CountedTuple {
    const { source, destination, ports, protocol } = this.#tuple;
    return { source, destination, ports, protocol };
  }
}

/** hot: what elements carry (ip_set_extensions): time-outs, counters, comments, skbinfo, in arrays by slot. */
import { TICK_MS } from '../clock.js';
import type { Packet } from '../packet.js';
import type { CreateOptions } from './create-options.js';
import { type Element, NONE } from './element.js';
import { CounterOp, type CounterValue, MatchFlag, NO_TIMEOUT, type SetLookup, type SkbInfo } from './ip-set.js';
import { SetFault } from './set-fault.js';

/** In seconds (IPSET_MAX_TIMEOUT). */
const MAX_TIMEOUT = 2_147_483;
const MAX_COLLECTION_SECONDS = 180;
const TICKS_PER_SECOND = 1000 / TICK_MS;
/** Expiry of elements that stay: the kernel's IPSET_ELEM_PERMANENT. */
const PERMANENT = 0;

/** What is known of now. */
export interface SetClock {
  /** In milliseconds. */
  readonly nowMs: number;
}

export class Extensions {
  readonly #clock: SetClock;
  readonly #found: SkbInfo;
  /** In seconds; undefined: elements do not expire. */
  readonly #timeout: number | undefined;
  /** In ticks; empty unless the set has time-outs; and so on. */
  #expires = new Float64Array(0);
  readonly #hasCounters: boolean;
  /** By slot: packets and bytes, each as the lower and the upper half. */
  #counters = new Uint32Array(0);
  readonly #comments: (string | undefined)[] | undefined;
  readonly #hasSkbInfo: boolean;
  #skbInfo = new Uint32Array(0);

  constructor(options: CreateOptions, clock: SetClock, found: SkbInfo) {
    this.#clock = clock;
    this.#found = found;
    this.#timeout = options.timeout;
    this.#hasCounters = options.counters;
    this.#comments = options.comment ? [] : undefined;
    this.#hasSkbInfo = options.skbinfo;
  }

  /** Makes room for CAPACITY slots. */
  grow(capacity: number): void {
    if (this.hasTimeout) this.#expires = grown(this.#expires, new Float64Array(capacity));
    if (this.#hasCounters) this.#counters = grown(this.#counters, new Uint32Array(4 * capacity));
    if (this.#hasSkbInfo) this.#skbInfo = grown(this.#skbInfo, new Uint32Array(4 * capacity));
  }

  get hasTimeout(): boolean {
    return this.#timeout !== undefined;
  }

  get ticks(): number {
    return Math.floor(this.#clock.nowMs / TICK_MS);
  }

  /** How often the kernel looks for what has expired (IPSET_GC_PERIOD). */
  get collectionTicks(): number {
    const seconds = Math.floor((this.#timeout ?? 0) / 3);
    return Math.min(Math.max(seconds, 1), MAX_COLLECTION_SECONDS) * TICKS_PER_SECOND;
  }

  /** ip_set_timeout_expired. */
  isExpired(slot: number): boolean {
    return this.#timeout !== undefined && this.isExpiredAt(slot, this.ticks);
  }

  /** The same at the tick NOW, in a set with time-outs. */
  isExpiredAt(slot: number, now: number): boolean {
    const expires = this.#expires[slot];
    return expires !== PERMANENT && expires < now;
  }

  /** The last time at which the element is there, in milliseconds; Infinity: it does not expire. */
  validUntilMs(slot: number): number {
    if (this.#timeout === undefined) return Number.POSITIVE_INFINITY;
    const expires = this.#expires[slot];
    return expires === PERMANENT ? Number.POSITIVE_INFINITY : (expires + 1) * TICK_MS;
  }

  /** Throws a SetFault if ELEMENT carries what the set does not have (ip_set_get_extensions). */
  check(element: Element): void {
    if (element.timeout !== NONE && !this.hasTimeout) throw new SetFault('no-timeout-support');
    const isCounted = element.packets !== undefined || element.bytes !== undefined;
    if (isCounted && !this.#hasCounters) throw new SetFault('no-counter-support');
    if (element.comment !== undefined && this.#comments === undefined) throw new SetFault('no-comment-support');
    const hasSkbInfo = element.skbMark !== NONE || element.skbPrio !== NONE || element.skbQueue !== NONE;
    if (hasSkbInfo && !this.#hasSkbInfo) throw new SetFault('no-skbinfo-support');
  }

  /** What the element in SLOT carries from now on. Counters that ELEMENT does not say stay as they are. */
  setFromElement(slot: number, element: Element): void {
    if (this.#hasCounters) {
      if (element.packets !== undefined) this.#setCounter(4 * slot, element.packets);
      if (element.bytes !== undefined) this.#setCounter(4 * slot + 2, element.bytes);
    }
    if (this.#comments !== undefined) this.#comments[slot] = element.comment || undefined;
    if (this.#hasSkbInfo) {
      const info = this.#skbInfo;
      info[4 * slot] = Math.max(element.skbMark, 0);
      info[4 * slot + 1] = Math.max(element.skbMarkMask, 0);
      info[4 * slot + 2] = Math.max(element.skbPrio, 0);
      info[4 * slot + 3] = Math.max(element.skbQueue, 0);
    }
    this.setTimeout(slot, element.timeout);
  }

  /** The same for an element that `-j SET` adds: it counts PACKET. A hash keeps the comment of one that is renewed. */
  setFromPacket(slot: number, packet: Packet, lookup: SetLookup): void {
    if (this.#hasCounters) {
      const counters = this.#counters;
      counters[4 * slot] = 1;
      counters[4 * slot + 1] = 0;
      counters[4 * slot + 2] = packet.length;
      counters[4 * slot + 3] = 0;
    }
    if (this.#hasSkbInfo) this.#skbInfo.fill(0, 4 * slot, 4 * slot + 4);
    this.setTimeout(slot, lookup.timeout);
  }

  /** ip_set_timeout_set. SECONDS: NO_TIMEOUT: the set's own. */
  setTimeout(slot: number, seconds: number): void {
    if (this.#timeout === undefined) return;
    const timeout = Math.min(seconds === NO_TIMEOUT ? this.#timeout : seconds, MAX_TIMEOUT);
    this.#expires[slot] = timeout === 0 ? PERMANENT : this.ticks + timeout * TICKS_PER_SECOND;
  }

  /**
   * The time-out of an element whose time does not run yet. When it is added again, it counts as expired.
   */
  storeTimeout(slot: number, seconds: number): void {
    if (this.#timeout === undefined) return;
    this.#expires[slot] = -(seconds === NO_TIMEOUT ? this.#timeout : seconds);
  }

  /** What `storeTimeout` stored, in seconds. */
  storedTimeout(slot: number): number {
    return Math.max(-this.#expires[slot], 0);
  }

  /** ip_set_match_extensions for the element in SLOT, which PACKET (null: `ipset test`) meets. FLAGS: MatchFlag. */
  matchesPacket(slot: number, packet: Packet | null, lookup: SetLookup, flags: number): boolean {
    if (this.isExpired(slot)) return false;
    if (packet !== null && this.#hasCounters && !this.#count(slot, packet, lookup, flags)) return false;
    if (this.#hasSkbInfo) {
      const found = this.#found;
      found.mark = this.#skbInfo[4 * slot] | 0;
      found.markMask = this.#skbInfo[4 * slot + 1] | 0;
      found.prio = this.#skbInfo[4 * slot + 2] | 0;
      found.queue = this.#skbInfo[4 * slot + 3];
    }
    return true;
  }

  #count(slot: number, packet: Packet, lookup: SetLookup, flags: number): boolean {
    const at = 4 * slot;
    if ((flags & MatchFlag.KEEPS_COUNTERS) === 0) {
      this.#addTo(at, 1);
      this.#addTo(at + 2, packet.length);
    }
    if ((flags & MatchFlag.ASKS_COUNTERS) === 0) return true;
    const { packetsOp, bytesOp } = lookup;
    if (packetsOp !== CounterOp.NONE && !this.#compare(at, packetsOp, lookup.packets)) return false;
    return bytesOp === CounterOp.NONE || this.#compare(at + 2, bytesOp, lookup.bytes);
  }

  #addTo(at: number, count: number): void {
    const counters = this.#counters;
    const sum = counters[at] + count;
    counters[at] = sum;
    if (sum > 0xffff_ffff) counters[at + 1]++;
  }

  #setCounter(at: number, value: bigint): void {
    this.#counters[at] = Number(value & 0xffff_ffffn);
    this.#counters[at + 1] = Number(value >> 32n);
  }

  #counter(at: number): bigint {
    return (BigInt(this.#counters[at + 1]) << 32n) | BigInt(this.#counters[at]);
  }

  #compare(at: number, op: CounterOp, { low, high }: CounterValue): boolean {
    const difference = this.#counters[at + 1] - high || this.#counters[at] - low;
    switch (op) {
      case CounterOp.EQ:
        return difference === 0;
      case CounterOp.NE:
        return difference !== 0;
      case CounterOp.LT:
        return difference < 0;
      default:
        return difference > 0;
    }
  }

  /** The element in SLOT is gone (ip_set_ext_destroy). */
  destroy(slot: number): void {
    if (this.#comments !== undefined) this.#comments[slot] = undefined;
  }

  /** SLOT is as new. */
  clear(slot: number): void {
    this.destroy(slot);
    if (this.#hasCounters) this.#counters.fill(0, 4 * slot, 4 * slot + 4);
  }

  /** Fills in what the element in SLOT carries. */
  fill(element: Element, slot: number): void {
    if (this.hasTimeout) element.timeout = this.#remaining(slot);
    if (this.#hasCounters) {
      element.packets = this.#counter(4 * slot);
      element.bytes = this.#counter(4 * slot + 2);
    }
    element.comment = this.#comments?.[slot];
    if (!this.#hasSkbInfo) return;
    [element.skbMark, element.skbMarkMask, element.skbPrio, element.skbQueue] = this.#skbInfo.subarray(
      4 * slot,
      4 * slot + 4,
    );
  }

  /** In seconds; 0: it stays (ip_set_timeout_get). */
  #remaining(slot: number): number {
    const expires = this.#expires[slot];
    if (expires === PERMANENT) return 0;
    return Math.floor((expires - this.ticks) / TICKS_PER_SECOND) || 1;
  }
}

function grown<Numbers extends { set(numbers: Numbers): void }>(numbers: Numbers, room: Numbers): Numbers {
  room.set(numbers);
  return room;
}

/** The minimum of conntrack for testing a tracker: find, open, update, and confirm at once. */

import {
  BYTES_F64,
  EXPIRES_MS_F64,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  STATUS,
  Status,
} from '../../core/conntrack/record.js';
import { ConntrackTable } from '../../core/conntrack/table.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { Hook } from '../../core/hooks.js';
import { Sysctls } from '../../core/host/sysctls.js';
import { Packet, REPLY } from '../../core/packet.js';
import { Invalid, isInvalid, type L4Protocol, type L4Tracker, TrackResult } from '../../core/protocols/protocol.js';
import { createTracker } from '../../core/protocols/tracker.js';
import { setBytes } from '../packets/packet-of.js';

export class Tracking {
  readonly table = new ConntrackTable();
  readonly packet = new Packet();
  /** The entry of the last packet, -1: none. */
  entry = -1;
  /** Why the last INVALID packet was INVALID. */
  fault: Invalid = Invalid.NONE;
  readonly #tuple = new Tuple();

  /** Tracks PROTOCOL in `table`. SYSCTL: values by full name that differ from the defaults. */
  tracker(protocol: L4Protocol, sysctl: Readonly<Record<string, number>> = {}): L4Tracker {
    const sysctls = new Sysctls([], new Map(Object.entries(sysctl)));
    return createTracker(this.table, protocol, (name) => sysctls.conntrack(name));
  }

  /** The ctstate of the packet in BYTES that arrives NOW_MS, `/R` for the reply's direction. */
  track(tracker: L4Tracker, bytes: Uint8Array, nowMs = 0, hook: Hook = Hook.PREROUTING): string {
    const { packet } = this;
    setBytes(packet, bytes);
    packet.hook = hook;
    packet.nowMs = nowMs;
    const fault = tracker.protocol.validate(tracker, packet);
    return fault === Invalid.NONE ? this.#update(tracker) : this.#invalid(fault);
  }

  /** Remaining seconds, counters and flags of ENTRY, as a recording shows them. */
  describe(nowMs = 0, entry = this.entry): string {
    const { words, doubles } = this.table;
    const at = entry * RECORD_F64;
    const status = words[entry * RECORD_WORDS + STATUS];
    const counters = [0, 1].map((side) => `${doubles[at + PACKETS_F64 + side]}/${doubles[at + BYTES_F64 + side]}`);
    const flags = [
      ...((status & Status.ASSURED) !== 0 ? ['ASSURED'] : []),
      ...((status & Status.SEEN_REPLY) === 0 ? ['UNREPLIED'] : []),
    ];
    return [(doubles[at + EXPIRES_MS_F64] - nowMs) / 1000, ...counters, ...flags].join(' ');
  }

  #update(tracker: L4Tracker): string {
    const { table, packet } = this;
    const tuple = this.#tuple;
    if (!tuple.read(packet.view, packet.at, packet.available)) return this.#invalid(Invalid.NO_TUPLE);
    const { source, destination, ports, protocol } = tuple;
    const reference = table.find(source, destination, ports, protocol, packet.nowMs);
    const isNew = reference < 0;
    this.entry = reference >> 1;
    if (isNew) {
      if (!tuple.invert()) return this.#invalid(Invalid.NO_TUPLE);
      this.entry = table.create(source, destination, ports, tuple.ports, protocol, packet.nowMs);
      const fault = tracker.protocol.open(tracker, this.entry, packet);
      if (fault !== Invalid.NONE) return this.#forget(this.#invalid(fault));
    }
    const { entry } = this;
    const direction = !isNew && (reference & 1) === REPLY ? 1 : 0;
    const at = entry * RECORD_WORDS + STATUS;
    const wasAnswered = (table.words[at] & Status.SEEN_REPLY) !== 0;
    const result = tracker.protocol.update(tracker, entry, direction, packet, isNew);
    if (result === TrackResult.REPEAT) {
      table.remove(entry);
      return this.#update(tracker);
    }
    if (isInvalid(result)) return isNew ? this.#forget(this.#invalid(result)) : this.#invalid(result);
    if (direction === 1) table.words[at] |= Status.SEEN_REPLY;
    const seen = direction === 1 ? 'ESTABLISHED/R' : wasAnswered ? 'ESTABLISHED' : 'NEW';
    if (result === TrackResult.KILL) return this.#forget(seen);
    if (isNew) table.confirm(entry);
    return seen;
  }

  #invalid(fault: Invalid): string {
    this.fault = fault;
    return 'INVALID';
  }

  #forget(seen: string): string {
    this.table.remove(this.entry);
    this.entry = -1;
    return seen;
  }
}

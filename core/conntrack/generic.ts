/** hot: the tracker of every protocol that has none of its own (kernel: nf_conntrack_proto_generic). Never ASSURED. */
import type { Direction, Packet } from '../packet.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

export class GenericTracker implements L4Tracker {
  readonly #table: ConntrackTable;
  readonly #timeouts: Timeouts;

  constructor(table: ConntrackTable, timeouts: Timeouts) {
    this.#table = table;
    this.#timeouts = timeouts;
  }

  isValid(): boolean {
    return true;
  }

  open(): boolean {
    return true;
  }

  update(entry: number, direction: Direction, packet: Packet): TrackResult {
    this.#table.account(entry, direction, packet.length);
    this.#table.refresh(entry, packet.nowMs, this.#timeouts.genericMs);
    return TrackResult.ACCEPT;
  }
}

/** What cannot be tracked at all: ICMPv6 in IPv4 is INVALID, whatever it says (nf_conntrack_icmpv6_packet). */
export class UntrackableTracker implements L4Tracker {
  isValid(): boolean {
    return false;
  }

  open(): boolean {
    return false;
  }

  update(): TrackResult {
    return TrackResult.INVALID;
  }
}

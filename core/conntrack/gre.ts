/** hot: the GRE tracker (kernel: nf_conntrack_proto_gre). */
import type { Direction, Packet } from '../packet.js';
import { RECORD_WORDS, STATUS, Status } from './record.js';
import type { ConntrackTable } from './table.js';
import type { Timeouts } from './timeouts.js';
import { type L4Tracker, TrackResult } from './tracker.js';

export class GreTracker implements L4Tracker {
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
    const { words } = this.#table;
    const at = entry * RECORD_WORDS + STATUS;
    const isAnswered = (words[at] & Status.SEEN_REPLY) !== 0;
    if (isAnswered) words[at] |= Status.ASSURED;
    this.#table.account(entry, direction, packet.length);
    this.#table.refresh(entry, packet.nowMs, isAnswered ? this.#timeouts.greStreamMs : this.#timeouts.greMs);
    return TrackResult.ACCEPT;
  }
}

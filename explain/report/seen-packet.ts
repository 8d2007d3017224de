/** A packet as the parts of the collector are given it when the host has dealt with it. */
import type { TrackedEvent } from '../../core/events.js';

/** One record is used for all packets. What columns hold of it has the same name and unit as there. */
export interface SeenPacket {
  timeNs: number;
  length: number;
  /** Interfaces, as in PACKET_COLUMNS. */
  inDev: number;
  outDev: number;
  /** Positions in the list of tuples; -1: none. */
  tuple: number;
  after: number;
  flags: number;
  /** A position in VERDICTS. */
  verdict: number;
  traversal: number;
  /** What conntrack said of it first. */
  tracked: TrackedEvent | undefined;
}

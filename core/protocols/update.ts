/** hot: following the packets of a protocol that has no states. */
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import type { Direction, Packet } from '../packet.js';
import { type L4Tracker, TrackResult } from './protocol.js';

/** The time-outs of `updateStream`. */
export const UNREPLIED = 0;
export const REPLIED = 1;

/** Every packet belongs, and lets the entry live for the only time-out. Never ASSURED. */
export function updateAny(tracker: L4Tracker, entry: number, direction: Direction, packet: Packet): TrackResult {
  const { table, timeoutsMs } = tracker;
  table.account(entry, direction, packet.length);
  table.refresh(entry, packet.nowMs, timeoutsMs[0]);
  return TrackResult.ACCEPT;
}

/** Every packet belongs; from the one after the first answer on the entry is ASSURED and lives longer. */
export function updateStream(tracker: L4Tracker, entry: number, direction: Direction, packet: Packet): TrackResult {
  const { table, timeoutsMs } = tracker;
  const { words } = table;
  const at = entry * RECORD_WORDS + STATUS;
  const isReplied = (words[at] & Status.SEEN_REPLY) !== 0;
  if (isReplied) words[at] |= Status.ASSURED;
  table.account(entry, direction, packet.length);
  table.refresh(entry, packet.nowMs, timeoutsMs[isReplied ? REPLIED : UNREPLIED]);
  return TrackResult.ACCEPT;
}

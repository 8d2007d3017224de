/** hot: tracking for protocols without states. */
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import type { Direction, Packet } from '../packet.js';
import { type L4Tracker, TrackResult } from './protocol.js';

/** The time-outs of `updateStream`. */
export const UNREPLIED = 0;
export const REPLIED = 1;

/** Accepts every packet, counts it and restarts the only time-out. Never sets ASSURED. */
export function updateAny(tracker: L4Tracker, entry: number, direction: Direction, packet: Packet): TrackResult {
  const { table, timeoutsMs } = tracker;
  table.account(entry, direction, packet.length);
  table.refresh(entry, packet.nowMs, timeoutsMs[0]);
  return TrackResult.ACCEPT;
}

/** Accepts every packet. Once a reply has been seen, the entry is ASSURED and has a longer time-out. */
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

/**
 * TCP's part of a connection's record: words 20–37. Offsets of the connection are in words from the record's start, those
 * of a side from the side's.
 */
import type { Direction } from '../packet.js';
import { RECORD_WORDS, TCP_LAST, TCP_SIDE, TCP_SIDE_WORDS } from './record.js';

/** Kind of the last segment that was tracked, or passed and remembered (`SegmentKind`; OTHER: none yet), and its direction. */
export const LAST_KIND = TCP_LAST;
export const LAST_DIRECTION = TCP_LAST + 1;
/** Of the last ACK, or of the last ignored segment: sequence number, acknowledgment, end, window as in the header. */
export const LAST_SEQUENCE = TCP_LAST + 2;
export const LAST_ACKNOWLEDGMENT = TCP_LAST + 3;
export const LAST_END = TCP_LAST + 4;
/** The window (bits 0–15); how often this segment came again (bits 16–23). */
export const LAST_WINDOW = TCP_LAST + 5;
/** `SideFlag`s (bits 0–7) and window scale (bits 8–11) of the last ignored SYN. */
export const LAST_OPTIONS = TCP_LAST + 6;

/** Behind the last sequence number that this side has sent (td_end). */
export const SIDE_END = 0;
/** Up to where the other side permits it to send (td_maxend). */
export const SIDE_MAX_END = 1;
/** The largest window that this side has announced, scaled; 0: nothing seen of it (td_maxwin). */
export const SIDE_MAX_WINDOW = 2;
/** The highest sequence number that this side has acknowledged (td_maxack). */
export const SIDE_MAX_ACK = 3;
/** `SideFlag`s (bits 0–7) and window scale (bits 8–11). */
export const SIDE_OPTIONS = 4;

/** What is known of a side (IP_CT_TCP_FLAG_*); the last two are flags of the connection and stand in LAST_OPTIONS. */
export const SideFlag = {
  /** It offered window scaling. */
  WINDOW_SCALE: 0x01,
  /** It permitted SACK. */
  SACK_PERMITTED: 0x02,
  /** It sent the first FIN. */
  CLOSE_INIT: 0x04,
  /** Picked up in mid-stream: its window is not known, nothing is out of it. */
  BE_LIBERAL: 0x08,
  /** Some of what it sent is not acknowledged. */
  DATA_UNACKNOWLEDGED: 0x10,
  /** It acknowledged something. */
  MAX_ACK_SET: 0x20,
  /** The ignored SYN met LAST_ACK: the next ACK may be a challenge (RFC 5961, section 4.2), not the last one. */
  CHALLENGE_ACK: 0x40,
  /** Both sides sent a SYN. */
  SIMULTANEOUS_OPEN: 0x80,
} as const;

export const SCALE_SHIFT = 8;
export const FLAGS_MASK = 0xff;
export const WINDOW_MASK = 0xffff;
export const RETRANSMISSIONS_SHIFT = 16;
export const RETRANSMISSIONS_MASK = 0xff;

/** The word at which the side of ENTRY starts that sends in DIRECTION. */
export function sideAt(entry: number, direction: Direction | number): number {
  return entry * RECORD_WORDS + TCP_SIDE + direction * TCP_SIDE_WORDS;
}

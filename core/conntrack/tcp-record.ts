/** The TCP part of a connection's record. */
import { i32, layout, records } from '../../codecs/record-layout.js';
import type { Direction } from '../packet.js';
import { CONNECTION, RECORD_WORDS } from './record.js';

/** The window state of one side. */
export const TCP_SIDE = layout('TcpSide', {
  /** The sequence number after the last byte this side has sent (td_end). */
  end: i32,
  /** The limit up to which the other side allows it to send (td_maxend). */
  maxEnd: i32,
  /** The largest window this side has announced, scaled; 0 if nothing was seen of it (td_maxwin). */
  maxWindow: i32,
  /** The highest sequence number this side has acknowledged (td_maxack). */
  maxAck: i32,
  /**
   * `SideFlag`s (bits 0–7 and 13), window scale (bits 8–12), and what is known about the length of segments (bits
   * 16–31): the MSS that this side has announced, or with BE_LIBERAL, the most data that it has sent in one segment.
   */
  options: i32,
});

/** The last segment is kept to recognize retransmissions. */
export const TCP_CONNECTION = layout(
  'TcpConnection',
  {
    /** A `TcpState`. */
    state: i32,
    /**
     * The `SegmentKind` of the last segment that was tracked, or ignored and remembered (OTHER if none yet), and its
     * direction.
     */
    lastKind: i32,
    lastDirection: i32,
    /**
     * From the last ACK or the last ignored segment: sequence number, acknowledgment, end, and the window in its
     * header.
     */
    lastSequence: i32,
    lastAcknowledgment: i32,
    lastEnd: i32,
    /** The window (bits 0–15) and the number of repetitions of this segment (bits 16–23). */
    lastWindow: i32,
    /** As in a side: the flags, window scale and MSS of the last ignored SYN. */
    lastOptions: i32,
    /** By direction: the side that sends in it. */
    side: records(TCP_SIDE, 2),
  },
  { within: { base: CONNECTION, area: 'tracking' } },
);

/** Word index of the state within a record. */
export const TCP_STATE = TCP_CONNECTION.word.state;

/**
 * Flags of a side (IP_CT_TCP_FLAG_*). CHALLENGE_ACK and SIMULTANEOUS_OPEN are the connection's, in `lastOptions`. Bit
 * 12 stays clear: a shift by what begins at bit 8 is a shift by the window scale then.
 */
export const SideFlag = {
  /** It offered window scaling. */
  WINDOW_SCALE: 0x01,
  /** It permitted SACK. */
  SACK_PERMITTED: 0x02,
  /** It sent the first FIN. */
  CLOSE_INIT: 0x04,
  /** Picked up mid-stream: its window is unknown, so no segment is out of window. */
  BE_LIBERAL: 0x08,
  /** Some of its data is not acknowledged. */
  DATA_UNACKNOWLEDGED: 0x10,
  /** It has acknowledged something. */
  MAX_ACK_SET: 0x20,
  /**
   * The ignored SYN arrived in LAST_ACK: the next ACK may be a challenge ACK (RFC 5961, section 4.2), not the last one.
   */
  CHALLENGE_ACK: 0x40,
  /** Both sides sent a SYN. */
  SIMULTANEOUS_OPEN: 0x80,
  /** A rule has changed the MSS that it announced: what is known is what the rule left. */
  MSS_BY_RULE: 0x2000,
} as const;

export const SCALE_SHIFT = 8;
export const SCALE_MASK = 0xf << SCALE_SHIFT;
export const SEGMENT_SHIFT = 16;
export const WINDOW_MASK = 0xffff;
export const RETRANSMISSIONS_SHIFT = 16;
export const RETRANSMISSIONS_MASK = 0xff;

/** Word index in the table of the `options` of ENTRY's side that sends in DIRECTION. */
export function sideOptionsAt(entry: number, direction: Direction): number {
  return sideEndAt(entry, direction) + TCP_SIDE.word.options - TCP_SIDE.word.end;
}

/** Word index in the table of the `end` of ENTRY's side that sends in DIRECTION. */
export function sideEndAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + TCP_CONNECTION.word.side + direction * TCP_SIDE.words + TCP_SIDE.word.end;
}

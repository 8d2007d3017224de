/** TCP's part of the record of a connection. */
import { i32, layout, records } from '../../codecs/record-layout.js';
import type { Direction } from '../packet.js';
import { CONNECTION, RECORD_WORDS } from './record.js';

/** What is known of the window of one side. */
export const TCP_SIDE = layout('TcpSide', {
  /** The sequence number after the last one that this side has sent (td_end). */
  end: i32,
  /** Up to where the other side permits it to send (td_maxend). */
  maxEnd: i32,
  /** The largest window that this side has announced, scaled; 0: nothing seen of it (td_maxwin). */
  maxWindow: i32,
  /** The highest sequence number that this side has acknowledged (td_maxack). */
  maxAck: i32,
  /** `SideFlag`s (bits 0–7) and window scale (bits 8–11). */
  options: i32,
});

/** The last segment is kept to tell a retransmission from what looks like one. */
export const TCP_CONNECTION = layout(
  'TcpConnection',
  {
    /** A `TcpState`. */
    state: i32,
    /**
     * The `SegmentKind` of the last segment that was tracked, or passed and remembered (OTHER: none yet), and its
     * direction.
     */
    lastKind: i32,
    lastDirection: i32,
    /**
     * Of the last ACK, or of the last ignored segment: sequence number, acknowledgment, end, window as in the header.
     */
    lastSequence: i32,
    lastAcknowledgment: i32,
    lastEnd: i32,
    /** The window (bits 0–15); how often this segment was repeated (bits 16–23). */
    lastWindow: i32,
    /** `SideFlag`s (bits 0–7) and window scale (bits 8–11) of the last ignored SYN. */
    lastOptions: i32,
    /** By the direction in which the side sends. */
    side: records(TCP_SIDE, 2),
  },
  { within: { base: CONNECTION, area: 'tracking' } },
);

/** The index of the state in the table's words, from the record's start. */
export const TCP_STATE = TCP_CONNECTION.word.state;

/**
 * What is known of a side (IP_CT_TCP_FLAG_*). The last two are flags of the connection, in `lastOptions`.
 */
export const SideFlag = {
  /** It offered window scaling. */
  WINDOW_SCALE: 0x01,
  /** It permitted SACK. */
  SACK_PERMITTED: 0x02,
  /** It sent the first FIN. */
  CLOSE_INIT: 0x04,
  /** Picked up in mid-stream: its window is not known, so nothing is out of it. */
  BE_LIBERAL: 0x08,
  /** Some of what it sent is not acknowledged. */
  DATA_UNACKNOWLEDGED: 0x10,
  /** It acknowledged something. */
  MAX_ACK_SET: 0x20,
  /** The ignored SYN arrived in LAST_ACK: the next ACK may be a challenge (RFC 5961, section 4.2), not the last one. */
  CHALLENGE_ACK: 0x40,
  /** Both sides sent a SYN. */
  SIMULTANEOUS_OPEN: 0x80,
} as const;

export const SCALE_SHIFT = 8;
export const FLAGS_MASK = 0xff;
export const WINDOW_MASK = 0xffff;
export const RETRANSMISSIONS_SHIFT = 16;
export const RETRANSMISSIONS_MASK = 0xff;

/** In the table's words: where the side of ENTRY that sends in DIRECTION has sent to (`end`). */
export function sideEndAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + TCP_CONNECTION.word.side + direction * TCP_SIDE.words + TCP_SIDE.word.end;
}

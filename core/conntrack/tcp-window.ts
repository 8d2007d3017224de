/**
 * hot: TCP's windows as seen from the middle (Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2001;
 * scaled windows: RFC 7323; kernel: tcp_in_window).
 *
 * Of each side three bounds are kept: `end`, behind what it has sent; `maxEnd`, up to where the other side lets it send;
 * `maxWindow`, the largest window that it announced. A segment belongs where
 *
 *       I  its sequence number is at most the sender's maxEnd;
 *      II  its end is above the sender's end less the receiver's maxWindow;
 *     III  its acknowledgment is at most the receiver's end;
 *      IV  its acknowledgment is not more than max(66000, sender's maxWindow) below the receiver's end.
 *
 * Acknowledgments here are the highest right edge of the SACK blocks, where the receiver permitted SACK.
 */
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../codecs/layouts.js';
import { type Direction, ORIGINAL, REPLY } from '../packet.js';
import { RECORD_WORDS, TCP_SIDE, TCP_SIDE_WORDS, TCP_STATE } from './record.js';
import {
  FLAGS_MASK,
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_SEQUENCE,
  LAST_WINDOW,
  RETRANSMISSIONS_MASK,
  RETRANSMISSIONS_SHIFT,
  SCALE_SHIFT,
  SIDE_END,
  SIDE_MAX_ACK,
  SIDE_MAX_END,
  SIDE_MAX_WINDOW,
  SIDE_OPTIONS,
  SideFlag,
  sideAt,
  WINDOW_MASK,
} from './tcp-record.js';
import { after, before, type TcpSegment } from './tcp-segment.js';
import { SegmentKind, TcpState } from './tcp-states.js';

/** What a segment is to the windows. IGNORE: it passes, but is not tracked. */
export const WindowVerdict = { INVALID: 0, ACCEPT: 1, IGNORE: 2 } as const;
export type WindowVerdict = (typeof WindowVerdict)[keyof typeof WindowVerdict];

/** The least that an acknowledgment may lag behind: a full unscaled window (MAXACKWINCONST). */
const MIN_ACK_WINDOW = 66_000;

/** How far an acknowledgment may lag behind, as an int32 (a larger one wraps): all sums here are kept in 32 bits. */
function ackWindow(maxWindow: number): number {
  return maxWindow >>> 0 < MIN_ACK_WINDOW ? MIN_ACK_WINDOW : maxWindow;
}

/** Let the segments that come show the window of the opener of ENTRY, whose first SEGMENT is a SYN. */
export function openWindow(words: Int32Array, entry: number, segment: TcpSegment): void {
  const opener = sideAt(entry, ORIGINAL);
  words[opener + SIDE_END] = segment.end;
  words[opener + SIDE_MAX_END] = segment.end;
  words[opener + SIDE_MAX_WINDOW] = segment.window || 1;
  takeHandshakeOptions(words, opener, segment);
}

/** The same of a connection whose SYN was not seen: both sides may do what they want. */
export function pickUpWindow(words: Int32Array, entry: number, segment: TcpSegment): void {
  const opener = sideAt(entry, ORIGINAL);
  const window = segment.window || 1;
  words[opener + SIDE_END] = segment.end;
  words[opener + SIDE_MAX_END] = segment.end + window;
  words[opener + SIDE_MAX_WINDOW] = window;
  words[opener + SIDE_OPTIONS] = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL;
  words[sideAt(entry, REPLY) + SIDE_OPTIONS] = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL;
}

/**
 * Hold SEGMENT of DIRECTION against the windows of ENTRY, and move them where it belongs. LIBERAL: what does not belong is
 * accepted all the same, but moves nothing.
 */
export function trackWindow(
  words: Int32Array,
  entry: number,
  direction: Direction,
  segment: TcpSegment,
  liberal: boolean,
): WindowVerdict {
  const base = entry * RECORD_WORDS;
  const sender = sideAt(entry, direction);
  const receiver = sideAt(entry, 1 - direction);
  const state = words[base + TCP_STATE];
  const { flags } = segment;
  const isAck = (flags & TCP_ACK) !== 0;
  const isRst = (flags & TCP_RST) !== 0;

  // What the segment says, before anything is made of it.
  let { sequence, end } = segment;
  let acknowledgment = segment.acknowledgment;
  let acknowledged = acknowledgment;
  if ((words[receiver + SIDE_OPTIONS] & SideFlag.SACK_PERMITTED) !== 0) acknowledged = segment.acknowledgedUpTo();

  // The first that is seen of the sender, or a handshake that starts anew.
  if (words[sender + SIDE_MAX_WINDOW] === 0) {
    if ((flags & TCP_SYN) !== 0) {
      startSender(words, sender, receiver, segment, direction);
      // Simultaneous open.
      if (!isAck) return WindowVerdict.ACCEPT;
    } else {
      pickUpSender(words, sender, receiver, segment, acknowledged);
    }
  } else if (
    (flags & TCP_SYN) !== 0 &&
    (state === TcpState.SYN_SENT || state === TcpState.SYN_RECV) &&
    after(end, words[sender + SIDE_END])
  ) {
    // RFC 9293, section 3.4.1: who starts again must only use higher sequence numbers.
    startSender(words, sender, receiver, segment, direction);
    if (direction === REPLY && !isAck) return WindowVerdict.ACCEPT;
  }

  const receiverEnd = words[receiver + SIDE_END];
  if (!isAck || (isRst && acknowledgment === 0)) {
    // Without an ACK, or with the zero that some stacks put into their RST, it acknowledges what there is.
    acknowledgment = receiverEnd;
    acknowledged = receiverEnd;
  }
  if (isRst && sequence === 0 && state === TcpState.SYN_SENT) {
    // The RST that answers a SYN.
    sequence = words[sender + SIDE_END];
    end = sequence;
  }

  // I to IV.
  const senderEnd = words[sender + SIDE_END];
  const senderMaxEnd = words[sender + SIDE_MAX_END];
  const senderMaxWindow = words[sender + SIDE_MAX_WINDOW];
  const receiverMaxWindow = words[receiver + SIDE_MAX_WINDOW];
  const isEndAbove = after(end, (senderEnd - receiverMaxWindow - 1) | 0);
  const isAcknowledgmentSeen = !after(acknowledged, receiverEnd);
  const isAcknowledgmentRecent = after(acknowledged, (receiverEnd - ackWindow(senderMaxWindow) - 1) | 0);
  if (after(sequence, senderMaxEnd)) {
    const overshotBytes = (end - senderMaxEnd + 1) >>> 0;
    if (
      receiverMaxWindow !== 0 &&
      isEndAbove &&
      isAcknowledgmentRecent &&
      overshotBytes <= receiverMaxWindow >>> 0 &&
      isAcknowledgmentSeen
    ) {
      // More than the receiver permitted. It may take it nevertheless: its ACK must find the data known.
      words[sender + SIDE_END] = end;
      words[sender + SIDE_OPTIONS] |= SideFlag.DATA_UNACKNOWLEDGED;
      return liberal ? WindowVerdict.ACCEPT : WindowVerdict.IGNORE;
    }
    return liberal ? WindowVerdict.ACCEPT : WindowVerdict.INVALID;
  }
  if (!isAcknowledgmentSeen) return liberal ? WindowVerdict.ACCEPT : WindowVerdict.INVALID;
  if ((receiverMaxWindow !== 0 && !isEndAbove) || !isAcknowledgmentRecent) {
    return liberal ? WindowVerdict.ACCEPT : WindowVerdict.IGNORE;
  }

  moveWindows(words, sender, receiver, flags, segment.window, acknowledgment, acknowledged, end);
  if (segment.kind === SegmentKind.ACK) {
    rememberAck(words, base, direction, sequence, acknowledgment, end, segment.window);
  }
  return WindowVerdict.ACCEPT;
}

/**
 * Whether an ACK (with PSH or without, without SACK blocks) of a connection whose both sides are known plainly belongs (I to
 * IV); what is anything but plain is for `trackWindow`.
 */
export function belongs(
  words: Int32Array,
  entry: number,
  direction: number,
  sequence: number,
  acknowledgment: number,
  end: number,
): boolean {
  const base = entry * RECORD_WORDS;
  const sender = base + TCP_SIDE + direction * TCP_SIDE_WORDS;
  const receiver = base + TCP_SIDE + (1 - direction) * TCP_SIDE_WORDS;
  const senderMaxWindow = words[sender + SIDE_MAX_WINDOW];
  const receiverMaxWindow = words[receiver + SIDE_MAX_WINDOW];
  const receiverEnd = words[receiver + SIDE_END];
  return (
    senderMaxWindow !== 0 &&
    receiverMaxWindow !== 0 &&
    !after(sequence, words[sender + SIDE_MAX_END]) &&
    !after(acknowledgment, receiverEnd) &&
    after(end, (words[sender + SIDE_END] - receiverMaxWindow - 1) | 0) &&
    after(acknowledgment, (receiverEnd - ackWindow(senderMaxWindow) - 1) | 0)
  );
}

/**
 * `belongs`, and then what `trackWindow` makes of such an ACK, in one straight line: no sums but in 32 bits, every word read
 * once. WINDOW is the header's. False where it does not plainly belong; then nothing has changed.
 */
export function trackAck(
  words: Int32Array,
  entry: number,
  direction: number,
  sequence: number,
  acknowledgment: number,
  end: number,
  headerWindow: number,
): boolean {
  const base = entry * RECORD_WORDS;
  const sender = base + TCP_SIDE + direction * TCP_SIDE_WORDS;
  const receiver = base + TCP_SIDE + (1 - direction) * TCP_SIDE_WORDS;
  const senderEnd = words[sender + SIDE_END];
  const senderMaxEnd = words[sender + SIDE_MAX_END];
  const senderMaxWindow = words[sender + SIDE_MAX_WINDOW];
  const senderOptions = words[sender + SIDE_OPTIONS];
  const receiverEnd = words[receiver + SIDE_END];
  const receiverMaxWindow = words[receiver + SIDE_MAX_WINDOW];
  if (
    senderMaxWindow === 0 ||
    receiverMaxWindow === 0 ||
    after(sequence, senderMaxEnd) ||
    after(acknowledgment, receiverEnd) ||
    !after(end, (senderEnd - receiverMaxWindow - 1) | 0) ||
    !after(acknowledgment, (receiverEnd - ackWindow(senderMaxWindow) - 1) | 0)
  ) {
    return false;
  }
  const window = headerWindow << (senderOptions >>> SCALE_SHIFT);
  if (senderMaxWindow >>> 0 < window >>> 0) words[sender + SIDE_MAX_WINDOW] = window;
  let newOptions = senderOptions;
  if (after(end, senderEnd)) {
    words[sender + SIDE_END] = end;
    newOptions |= SideFlag.DATA_UNACKNOWLEDGED;
  }
  if ((senderOptions & SideFlag.MAX_ACK_SET) === 0 || after(acknowledgment, words[sender + SIDE_MAX_ACK])) {
    words[sender + SIDE_MAX_ACK] = acknowledgment;
    newOptions |= SideFlag.MAX_ACK_SET;
  }
  if (newOptions !== senderOptions) words[sender + SIDE_OPTIONS] = newOptions;
  if (after(end, senderMaxEnd)) words[receiver + SIDE_MAX_WINDOW] = (receiverMaxWindow + end - senderMaxEnd) | 0;
  const permitted = (acknowledgment + window) | 0;
  if (!before(permitted, words[receiver + SIDE_MAX_END])) {
    words[receiver + SIDE_MAX_END] = permitted + (window === 0 ? 1 : 0);
  }
  if (acknowledgment === receiverEnd) words[receiver + SIDE_OPTIONS] &= ~SideFlag.DATA_UNACKNOWLEDGED;
  rememberAck(words, base, direction, sequence, acknowledgment, end, headerWindow);
  return true;
}

/** What a segment that belongs says of the windows of both sides. WINDOW is the header's; see `trackWindow` for the others. */
function moveWindows(
  words: Int32Array,
  sender: number,
  receiver: number,
  flags: number,
  headerWindow: number,
  acknowledgment: number,
  acknowledged: number,
  end: number,
): void {
  const senderOptions = words[sender + SIDE_OPTIONS];
  const scale = (flags & TCP_SYN) !== 0 ? 0 : senderOptions >>> SCALE_SHIFT;
  const window = headerWindow << scale;
  const reach = (window + acknowledged - acknowledgment) | 0;
  if (words[sender + SIDE_MAX_WINDOW] >>> 0 < reach >>> 0) words[sender + SIDE_MAX_WINDOW] = reach;
  let newOptions = senderOptions;
  if (after(end, words[sender + SIDE_END])) {
    words[sender + SIDE_END] = end;
    newOptions |= SideFlag.DATA_UNACKNOWLEDGED;
  }
  if (
    (flags & TCP_ACK) !== 0 &&
    ((senderOptions & SideFlag.MAX_ACK_SET) === 0 || after(acknowledgment, words[sender + SIDE_MAX_ACK]))
  ) {
    words[sender + SIDE_MAX_ACK] = acknowledgment;
    newOptions |= SideFlag.MAX_ACK_SET;
  }
  if (newOptions !== senderOptions) words[sender + SIDE_OPTIONS] = newOptions;

  const receiverMaxWindow = words[receiver + SIDE_MAX_WINDOW];
  const senderMaxEnd = words[sender + SIDE_MAX_END];
  if (receiverMaxWindow !== 0 && after(end, senderMaxEnd)) {
    words[receiver + SIDE_MAX_WINDOW] = (receiverMaxWindow + end - senderMaxEnd) | 0;
  }
  const permitted = (acknowledged + window) | 0;
  if (!before(permitted, words[receiver + SIDE_MAX_END])) {
    // A closed window may be probed with one byte (RFC 9293, section 3.8.6.1).
    words[receiver + SIDE_MAX_END] = permitted + (window === 0 ? 1 : 0);
  }
  if (acknowledgment === words[receiver + SIDE_END]) words[receiver + SIDE_OPTIONS] &= ~SideFlag.DATA_UNACKNOWLEDGED;
}

/** SENDER's first SYN, or SYN/ACK: where it starts, its window (never scaled here), its options. */
function startSender(
  words: Int32Array,
  sender: number,
  receiver: number,
  segment: TcpSegment,
  direction: Direction,
): void {
  words[sender + SIDE_END] = segment.end;
  words[sender + SIDE_MAX_END] = segment.end;
  words[sender + SIDE_MAX_WINDOW] = segment.window || 1;
  takeHandshakeOptions(words, sender, segment);
  // RFC 7323, section 2.2: windows are scaled only where both sides offered it. That is known once the answer is there.
  if (
    direction === REPLY &&
    (words[sender + SIDE_OPTIONS] & words[receiver + SIDE_OPTIONS] & SideFlag.WINDOW_SCALE) === 0
  ) {
    words[sender + SIDE_OPTIONS] &= FLAGS_MASK;
    words[receiver + SIDE_OPTIONS] &= FLAGS_MASK;
  }
}

/** SENDER's first segment where its handshake was not seen. */
function pickUpSender(
  words: Int32Array,
  sender: number,
  receiver: number,
  segment: TcpSegment,
  acknowledged: number,
): void {
  const window = segment.window << (words[sender + SIDE_OPTIONS] >>> SCALE_SHIFT) || 1;
  words[sender + SIDE_END] = segment.end;
  words[sender + SIDE_MAX_WINDOW] = window;
  words[sender + SIDE_MAX_END] = segment.end + window;
  if (words[receiver + SIDE_MAX_WINDOW] === 0) {
    // Nothing is known of the other side either: what is acknowledged here is what it has sent.
    words[receiver + SIDE_END] = acknowledged;
    words[receiver + SIDE_MAX_END] = acknowledged;
  } else if (acknowledged === ((words[receiver + SIDE_END] + 1) | 0)) {
    // The answer to a keep-alive, which repeats the byte before the next.
    words[receiver + SIDE_END] = acknowledged;
  }
}

/** A handshake without options leaves what was known (as after a pickup). */
function takeHandshakeOptions(words: Int32Array, side: number, segment: TcpSegment): void {
  if (!segment.hasOptions) return;
  words[side + SIDE_OPTIONS] = (words[side + SIDE_OPTIONS] & SideFlag.BE_LIBERAL) | segment.handshakeOptions();
}

/** Count how often the same ACK comes again: three times, and the receiver may be gone. */
function rememberAck(
  words: Int32Array,
  base: number,
  direction: number,
  sequence: number,
  acknowledgment: number,
  end: number,
  window: number,
): void {
  const last = words[base + LAST_WINDOW];
  if (
    words[base + LAST_DIRECTION] === direction &&
    words[base + LAST_SEQUENCE] === sequence &&
    words[base + LAST_ACKNOWLEDGMENT] === acknowledgment &&
    words[base + LAST_END] === end &&
    (last & WINDOW_MASK) === window
  ) {
    const again = ((last >>> RETRANSMISSIONS_SHIFT) + 1) & RETRANSMISSIONS_MASK;
    words[base + LAST_WINDOW] = window | (again << RETRANSMISSIONS_SHIFT);
    return;
  }
  words[base + LAST_DIRECTION] = direction;
  words[base + LAST_SEQUENCE] = sequence;
  words[base + LAST_ACKNOWLEDGMENT] = acknowledgment;
  words[base + LAST_END] = end;
  words[base + LAST_WINDOW] = window;
}

// TCP's windows as seen from the middle (Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2001; scaled
// windows: RFC 7323; kernel: tcp_in_window).
//
// Of each side three bounds are kept: `end`, behind what it has sent; `maxEnd`, up to where the other side lets it send;
// `maxWindow`, the largest window that it announced. A segment belongs where
//
//       I  its sequence number is at most the sender's maxEnd;
//      II  its end is above the sender's end less the receiver's maxWindow;
//     III  its acknowledgment is at most the receiver's end;
//      IV  its acknowledgment is not more than max(66000, sender's maxWindow) below the receiver's end.
//
// Acknowledgments here are the highest right edge of the SACK blocks, where the receiver permitted SACK.
import {
  FLAGS_MASK,
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_SEQUENCE,
  LAST_WINDOW,
  ORIGINAL,
  REPLY,
  RETRANSMISSIONS_MASK,
  RETRANSMISSIONS_SHIFT,
  SCALE_SHIFT,
  SegmentKind,
  SIDE_END,
  SIDE_MAX_ACK,
  SIDE_MAX_END,
  SIDE_MAX_WINDOW,
  SIDE_OPTIONS,
  SideFlag,
  TCP_ACK,
  TCP_RST,
  TCP_SIDE,
  TCP_SIDE_WORDS,
  TCP_STATE,
  TCP_SYN,
  TcpState,
  WINDOW_MASK,
} from '../constants';
import * as segment from './tcp-segment';
import { after, before } from './tcp-segment';

/** What a segment is to the windows. IGNORE: it passes, but is not tracked. */
export enum WindowVerdict {
  INVALID,
  ACCEPT,
  IGNORE,
}

/** The least that an acknowledgment may lag behind: a full unscaled window (MAXACKWINCONST). */
const MIN_ACK_WINDOW = 66000;

/** How far an acknowledgment may lag behind; a window is unsigned. */
function ackWindow(maxWindow: i32): i32 {
  return <u32>maxWindow < <u32>MIN_ACK_WINDOW ? MIN_ACK_WINDOW : maxWindow;
}

/** Where the side that sends in DIRECTION starts. */
export function sideOf(record: usize, direction: i32): usize {
  return record + ((TCP_SIDE + direction * TCP_SIDE_WORDS) << 2);
}

/** Let the segments that come show the window of the opener, whose first segment is a SYN. */
export function openWindow(record: usize): void {
  const opener = sideOf(record, ORIGINAL);
  store<i32>(opener, segment.end, SIDE_END << 2);
  store<i32>(opener, segment.end, SIDE_MAX_END << 2);
  store<i32>(opener, segment.window !== 0 ? segment.window : 1, SIDE_MAX_WINDOW << 2);
  takeHandshakeOptions(opener);
}

/** The same of a connection whose SYN was not seen: both sides may do what they want. */
export function pickUpWindow(record: usize): void {
  const opener = sideOf(record, ORIGINAL);
  const window = segment.window !== 0 ? segment.window : 1;
  store<i32>(opener, segment.end, SIDE_END << 2);
  store<i32>(opener, segment.end + window, SIDE_MAX_END << 2);
  store<i32>(opener, window, SIDE_MAX_WINDOW << 2);
  store<i32>(opener, SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL, SIDE_OPTIONS << 2);
  store<i32>(sideOf(record, REPLY), SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL, SIDE_OPTIONS << 2);
}

/**
 * Hold the segment of DIRECTION against the windows, and move them where it belongs; a `WindowVerdict`. LIBERAL: what does not
 * belong is accepted all the same, but moves nothing.
 */
export function trackWindow(record: usize, direction: i32, liberal: bool): WindowVerdict {
  const sender = sideOf(record, direction);
  const receiver = sideOf(record, 1 - direction);
  const state = load<i32>(record, TCP_STATE << 2);
  const flags = segment.flags;
  const isAck = (flags & TCP_ACK) !== 0;
  const isRst = (flags & TCP_RST) !== 0;

  // What the segment says, before anything is made of it.
  let sequence = segment.sequence;
  let end = segment.end;
  let acknowledgment = segment.acknowledgment;
  let acknowledged = acknowledgment;
  if ((load<i32>(receiver, SIDE_OPTIONS << 2) & SideFlag.SACK_PERMITTED) !== 0)
    acknowledged = segment.acknowledgedUpTo();

  // The first that is seen of the sender, or a handshake that starts anew.
  if (load<i32>(sender, SIDE_MAX_WINDOW << 2) === 0) {
    if ((flags & TCP_SYN) !== 0) {
      startSender(sender, receiver, direction);
      // Simultaneous open.
      if (!isAck) return WindowVerdict.ACCEPT;
    } else {
      pickUpSender(sender, receiver, acknowledged);
    }
  } else if (
    (flags & TCP_SYN) !== 0 &&
    (state === TcpState.SYN_SENT || state === TcpState.SYN_RECV) &&
    after(end, load<i32>(sender, SIDE_END << 2))
  ) {
    // RFC 9293, section 3.4.1: who starts again must only use higher sequence numbers.
    startSender(sender, receiver, direction);
    if (direction === REPLY && !isAck) return WindowVerdict.ACCEPT;
  }

  const receiverEnd = load<i32>(receiver, SIDE_END << 2);
  if (!isAck || (isRst && acknowledgment === 0)) {
    // Without an ACK, or with the zero that some stacks put into their RST, it acknowledges what there is.
    acknowledgment = receiverEnd;
    acknowledged = receiverEnd;
  }
  if (isRst && sequence === 0 && state === TcpState.SYN_SENT) {
    // The RST that answers a SYN.
    sequence = load<i32>(sender, SIDE_END << 2);
    end = sequence;
  }

  // I to IV.
  const senderEnd = load<i32>(sender, SIDE_END << 2);
  const senderMaxEnd = load<i32>(sender, SIDE_MAX_END << 2);
  const senderMaxWindow = load<i32>(sender, SIDE_MAX_WINDOW << 2);
  const receiverMaxWindow = load<i32>(receiver, SIDE_MAX_WINDOW << 2);
  const isEndAbove = after(end, senderEnd - receiverMaxWindow - 1);
  const isAcknowledgmentSeen = !after(acknowledged, receiverEnd);
  const isAcknowledgmentRecent = after(acknowledged, receiverEnd - ackWindow(senderMaxWindow) - 1);
  if (after(sequence, senderMaxEnd)) {
    const overshotBytes = <u32>(end - senderMaxEnd + 1);
    if (
      receiverMaxWindow !== 0 &&
      isEndAbove &&
      isAcknowledgmentRecent &&
      overshotBytes <= <u32>receiverMaxWindow &&
      isAcknowledgmentSeen
    ) {
      // More than the receiver permitted. It may take it nevertheless: its ACK must find the data known.
      store<i32>(sender, end, SIDE_END << 2);
      setOptions(sender, load<i32>(sender, SIDE_OPTIONS << 2) | SideFlag.DATA_UNACKNOWLEDGED);
      return liberal ? WindowVerdict.ACCEPT : WindowVerdict.IGNORE;
    }
    return liberal ? WindowVerdict.ACCEPT : WindowVerdict.INVALID;
  }
  if (!isAcknowledgmentSeen) return liberal ? WindowVerdict.ACCEPT : WindowVerdict.INVALID;
  if ((receiverMaxWindow !== 0 && !isEndAbove) || !isAcknowledgmentRecent) {
    return liberal ? WindowVerdict.ACCEPT : WindowVerdict.IGNORE;
  }

  moveWindows(sender, receiver, flags, segment.window, acknowledgment, acknowledged, end);
  if (segment.kind === SegmentKind.ACK) rememberAck(record, direction, sequence, acknowledgment, end, segment.window);
  return WindowVerdict.ACCEPT;
}

/**
 * Whether a segment without SACK blocks, of a connection whose both sides are known, plainly belongs (I to IV); what is anything
 * but plain is for `trackWindow`.
 */
export function belongs(record: usize, direction: i32, sequence: i32, acknowledgment: i32, end: i32): bool {
  const sender = sideOf(record, direction);
  const receiver = sideOf(record, 1 - direction);
  const senderMaxWindow = load<i32>(sender, SIDE_MAX_WINDOW << 2);
  const receiverMaxWindow = load<i32>(receiver, SIDE_MAX_WINDOW << 2);
  const receiverEnd = load<i32>(receiver, SIDE_END << 2);
  return (
    senderMaxWindow !== 0 &&
    receiverMaxWindow !== 0 &&
    !after(sequence, load<i32>(sender, SIDE_MAX_END << 2)) &&
    !after(acknowledgment, receiverEnd) &&
    after(end, load<i32>(sender, SIDE_END << 2) - receiverMaxWindow - 1) &&
    after(acknowledgment, receiverEnd - ackWindow(senderMaxWindow) - 1)
  );
}

/** What `trackWindow` makes of an ACK without SACK blocks that `belongs`, in one straight line. */
export function followAck(
  record: usize,
  direction: i32,
  sequence: i32,
  acknowledgment: i32,
  end: i32,
  headerWindow: i32,
): void {
  const sender = sideOf(record, direction);
  const receiver = sideOf(record, 1 - direction);
  moveWindows(sender, receiver, TCP_ACK, headerWindow, acknowledgment, acknowledgment, end);
  rememberAck(record, direction, sequence, acknowledgment, end, headerWindow);
}

/** What a segment that belongs says of the windows of both sides. HEADER_WINDOW is not scaled yet. */
function moveWindows(
  sender: usize,
  receiver: usize,
  flags: i32,
  headerWindow: i32,
  acknowledgment: i32,
  acknowledged: i32,
  end: i32,
): void {
  const senderOptions = load<i32>(sender, SIDE_OPTIONS << 2);
  const scale = (flags & TCP_SYN) !== 0 ? 0 : senderOptions >>> SCALE_SHIFT;
  const window = headerWindow << scale;
  const reach = window + acknowledged - acknowledgment;
  if (load<u32>(sender, SIDE_MAX_WINDOW << 2) < <u32>reach) store<i32>(sender, reach, SIDE_MAX_WINDOW << 2);
  let newOptions = senderOptions;
  if (after(end, load<i32>(sender, SIDE_END << 2))) {
    store<i32>(sender, end, SIDE_END << 2);
    newOptions |= SideFlag.DATA_UNACKNOWLEDGED;
  }
  if (
    (flags & TCP_ACK) !== 0 &&
    ((senderOptions & SideFlag.MAX_ACK_SET) === 0 || after(acknowledgment, load<i32>(sender, SIDE_MAX_ACK << 2)))
  ) {
    store<i32>(sender, acknowledgment, SIDE_MAX_ACK << 2);
    newOptions |= SideFlag.MAX_ACK_SET;
  }
  if (newOptions !== senderOptions) setOptions(sender, newOptions);

  const receiverMaxWindow = load<i32>(receiver, SIDE_MAX_WINDOW << 2);
  const senderMaxEnd = load<i32>(sender, SIDE_MAX_END << 2);
  if (receiverMaxWindow !== 0 && after(end, senderMaxEnd)) {
    store<i32>(receiver, receiverMaxWindow + end - senderMaxEnd, SIDE_MAX_WINDOW << 2);
  }
  const permitted = acknowledged + window;
  if (!before(permitted, load<i32>(receiver, SIDE_MAX_END << 2))) {
    // A closed window may be probed with one byte (RFC 9293, section 3.8.6.1).
    store<i32>(receiver, permitted + (window === 0 ? 1 : 0), SIDE_MAX_END << 2);
  }
  if (acknowledgment === load<i32>(receiver, SIDE_END << 2)) {
    setOptions(receiver, load<i32>(receiver, SIDE_OPTIONS << 2) & ~SideFlag.DATA_UNACKNOWLEDGED);
  }
}

/** SENDER's first SYN, or SYN/ACK: where it starts, its window (never scaled here), its options. */
function startSender(sender: usize, receiver: usize, direction: i32): void {
  store<i32>(sender, segment.end, SIDE_END << 2);
  store<i32>(sender, segment.end, SIDE_MAX_END << 2);
  store<i32>(sender, segment.window !== 0 ? segment.window : 1, SIDE_MAX_WINDOW << 2);
  takeHandshakeOptions(sender);
  // RFC 7323, section 2.2: windows are scaled only where both sides offered it. That is known once the answer is there.
  const senderOptions = load<i32>(sender, SIDE_OPTIONS << 2);
  const receiverOptions = load<i32>(receiver, SIDE_OPTIONS << 2);
  if (direction === REPLY && (senderOptions & receiverOptions & SideFlag.WINDOW_SCALE) === 0) {
    setOptions(sender, senderOptions & FLAGS_MASK);
    setOptions(receiver, receiverOptions & FLAGS_MASK);
  }
}

/** SENDER's first segment where its handshake was not seen. */
function pickUpSender(sender: usize, receiver: usize, acknowledged: i32): void {
  const scaled = segment.window << (load<i32>(sender, SIDE_OPTIONS << 2) >>> SCALE_SHIFT);
  const window = scaled !== 0 ? scaled : 1;
  store<i32>(sender, segment.end, SIDE_END << 2);
  store<i32>(sender, window, SIDE_MAX_WINDOW << 2);
  store<i32>(sender, segment.end + window, SIDE_MAX_END << 2);
  if (load<i32>(receiver, SIDE_MAX_WINDOW << 2) === 0) {
    // Nothing is known of the other side either: what is acknowledged here is what it has sent.
    store<i32>(receiver, acknowledged, SIDE_END << 2);
    store<i32>(receiver, acknowledged, SIDE_MAX_END << 2);
  } else if (acknowledged === load<i32>(receiver, SIDE_END << 2) + 1) {
    // The answer to a keep-alive, which repeats the byte before the next.
    store<i32>(receiver, acknowledged, SIDE_END << 2);
  }
}

/** A handshake without options leaves what was known (as after a pickup). */
function takeHandshakeOptions(side: usize): void {
  if (!segment.hasOptions()) return;
  setOptions(side, (load<i32>(side, SIDE_OPTIONS << 2) & SideFlag.BE_LIBERAL) | segment.handshakeOptions());
}

function setOptions(side: usize, options: i32): void {
  store<i32>(side, options, SIDE_OPTIONS << 2);
}

/** Count how often the same ACK comes again: three times, and the receiver may be gone. */
function rememberAck(record: usize, direction: i32, sequence: i32, acknowledgment: i32, end: i32, window: i32): void {
  const last = load<i32>(record, LAST_WINDOW << 2);
  if (
    load<i32>(record, LAST_DIRECTION << 2) === direction &&
    load<i32>(record, LAST_SEQUENCE << 2) === sequence &&
    load<i32>(record, LAST_ACKNOWLEDGMENT << 2) === acknowledgment &&
    load<i32>(record, LAST_END << 2) === end &&
    (last & WINDOW_MASK) === window
  ) {
    const again = ((last >>> RETRANSMISSIONS_SHIFT) + 1) & RETRANSMISSIONS_MASK;
    store<i32>(record, window | (again << RETRANSMISSIONS_SHIFT), LAST_WINDOW << 2);
    return;
  }
  store<i32>(record, direction, LAST_DIRECTION << 2);
  store<i32>(record, sequence, LAST_SEQUENCE << 2);
  store<i32>(record, acknowledgment, LAST_ACKNOWLEDGMENT << 2);
  store<i32>(record, end, LAST_END << 2);
  store<i32>(record, window, LAST_WINDOW << 2);
}

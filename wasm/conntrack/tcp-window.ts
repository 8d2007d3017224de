// TCP's windows as seen from the middle (Guido van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", 2001;
// scaled windows: RFC 7323; kernel: tcp_in_window).
//
// Three bounds are kept for each side: `end`, after what it has sent; `maxEnd`, up to where the other side permits it
// to send; `maxWindow`, the largest window that it has announced. A segment is in window if
//
//       I  its sequence number is at most the sender's maxEnd;
//      II  its end is above the sender's end less the receiver's maxWindow;
//     III  its acknowledgment is at most the receiver's end;
//      IV  its acknowledgment is not more than max(66000, sender's maxWindow) below the receiver's end.
//
// Where the receiver permitted SACK, the acknowledgment is the highest right edge of the SACK blocks.
import {
  ORIGINAL,
  REPLY,
  RETRANSMISSIONS_MASK,
  RETRANSMISSIONS_SHIFT,
  SCALE_MASK,
  SCALE_SHIFT,
  SEGMENT_SHIFT,
  SegmentKind,
  SideFlag,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  TcpRemark,
  TcpState,
  WINDOW_MASK,
} from '../constants';
import { TcpConnection, TcpSide } from '../records';
import { note } from './tcp-remark';
import * as segment from './tcp-segment';
import { after, before } from './tcp-segment';

/** Whether a segment is in window. IGNORE: it passes but is not tracked. */
export enum WindowVerdict {
  INVALID,
  ACCEPT,
  IGNORE,
}

/** The minimum lag allowed for an acknowledgment: a full unscaled window (MAXACKWINCONST). */
const MIN_ACK_WINDOW = 66000;

/** How far an acknowledgment may lag behind. Windows are unsigned. */
function ackWindow(maxWindow: i32): i32 {
  return <u32>maxWindow < <u32>MIN_ACK_WINDOW ? MIN_ACK_WINDOW : maxWindow;
}

/** Initializes the opener's window from its first segment, a SYN. */
export function openWindow(record: TcpConnection): void {
  const opener = record.side(ORIGINAL);
  opener.end = segment.end;
  opener.maxEnd = segment.end;
  opener.maxWindow = segment.window !== 0 ? segment.window : 1;
  takeHandshakeOptions(opener);
}

/** The same for a connection whose SYN was not seen: both sides may send anything. */
export function pickUpWindow(record: TcpConnection): void {
  const opener = record.side(ORIGINAL);
  const window = segment.window !== 0 ? segment.window : 1;
  opener.end = segment.end;
  opener.maxEnd = segment.end + window;
  opener.maxWindow = window;
  opener.options = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL;
  record.side(REPLY).options = SideFlag.SACK_PERMITTED | SideFlag.BE_LIBERAL;
}

/**
 * Checks the segment sent in DIRECTION against the windows, and updates them if it is in window. LIBERAL: segments out
 * of window are accepted too, but update nothing.
 */
export function trackWindow(record: TcpConnection, direction: i32, liberal: bool): WindowVerdict {
  const sender = record.side(direction);
  const receiver = record.side(1 - direction);
  const state = record.state;
  const flags = segment.flags;
  const isAck = (flags & TCP_ACK) !== 0;
  const isRst = (flags & TCP_RST) !== 0;

  // The segment's own values, before corrections.
  let sequence = segment.sequence;
  let end = segment.end;
  let acknowledgment = segment.acknowledgment;
  let acknowledged = acknowledgment;
  if ((receiver.options & SideFlag.SACK_PERMITTED) !== 0) acknowledged = segment.acknowledgedUpTo();

  // The sender's first segment, or a restarted handshake.
  if (sender.maxWindow === 0) {
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
    after(end, sender.end)
  ) {
    // RFC 9293, section 3.4.1: a restarting side must use higher sequence numbers.
    startSender(sender, receiver, direction);
    if (direction === REPLY && !isAck) return WindowVerdict.ACCEPT;
  }

  const receiverEnd = receiver.end;
  if (!isAck || (isRst && acknowledgment === 0)) {
    // Without an ACK, or with the zero that some stacks put into a RST, assume that it acknowledges everything sent.
    acknowledgment = receiverEnd;
    acknowledged = receiverEnd;
  }
  if (isRst && sequence === 0 && state === TcpState.SYN_SENT) {
    // A RST in reply to a SYN.
    sequence = sender.end;
    end = sequence;
  }

  // I to IV.
  const senderEnd = sender.end;
  const senderMaxEnd = sender.maxEnd;
  const senderMaxWindow = sender.maxWindow;
  const receiverMaxWindow = receiver.maxWindow;
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
      // More than the receiver allowed. But if it accepts the data, its ACK must not be out of window.
      sender.end = end;
      setOptions(sender, sender.options | SideFlag.DATA_UNACKNOWLEDGED);
      if (liberal) return WindowVerdict.ACCEPT;
      note(TcpRemark.TOO_MUCH, overshotBytes);
      return WindowVerdict.IGNORE;
    }
    if (liberal) return WindowVerdict.ACCEPT;
    note(TcpRemark.SEQ_IS_ABOVE, senderMaxEnd + 1);
    return WindowVerdict.INVALID;
  }
  if (!isAcknowledgmentSeen) {
    if (liberal) return WindowVerdict.ACCEPT;
    note(TcpRemark.ACK_IS_ABOVE, receiverEnd + 1);
    return WindowVerdict.INVALID;
  }
  const isSequenceRecent = receiverMaxWindow === 0 || isEndAbove;
  if (!isSequenceRecent || !isAcknowledgmentRecent) {
    if (liberal) return WindowVerdict.ACCEPT;
    if (isSequenceRecent) note(TcpRemark.ACK_IS_BELOW, receiverEnd - ackWindow(senderMaxWindow) - 1);
    else note(TcpRemark.SEQ_IS_BELOW, senderEnd - receiverMaxWindow - 1);
    return WindowVerdict.IGNORE;
  }

  moveWindows(sender, receiver, flags, segment.window, acknowledgment, acknowledged, end);
  if (segment.kind === SegmentKind.ACK) rememberAck(record, direction, sequence, acknowledgment, end, segment.window);
  return WindowVerdict.ACCEPT;
}

/**
 * Whether a segment without SACK blocks is clearly in window (I to IV) on a connection with both sides known.
 * `trackWindow` handles everything else.
 */
export function isClearlyInWindow(
  record: TcpConnection,
  direction: i32,
  sequence: i32,
  acknowledgment: i32,
  end: i32,
): bool {
  const sender = record.side(direction);
  const receiver = record.side(1 - direction);
  const senderMaxWindow = sender.maxWindow;
  const receiverMaxWindow = receiver.maxWindow;
  const receiverEnd = receiver.end;
  return (
    senderMaxWindow !== 0 &&
    receiverMaxWindow !== 0 &&
    !after(sequence, sender.maxEnd) &&
    !after(acknowledgment, receiverEnd) &&
    after(end, sender.end - receiverMaxWindow - 1) &&
    after(acknowledgment, receiverEnd - ackWindow(senderMaxWindow) - 1)
  );
}

/** Does what `trackWindow` does for an ACK without SACK blocks that `isClearlyInWindow`, without its branches. */
export function followAck(
  record: TcpConnection,
  direction: i32,
  sequence: i32,
  acknowledgment: i32,
  end: i32,
  headerWindow: i32,
): void {
  const sender = record.side(direction);
  const receiver = record.side(1 - direction);
  noteSegment(sender, end - sequence);
  moveWindows(sender, receiver, TCP_ACK, headerWindow, acknowledgment, acknowledgment, end);
  rememberAck(record, direction, sequence, acknowledgment, end, headerWindow);
}

/** Notes a segment with BYTES of data from SENDER, if its MSS is not known (core/protocols/segment-size.ts). */
export function noteSegment(sender: TcpSide, bytes: i32): void {
  const options = sender.options;
  if ((options & SideFlag.BE_LIBERAL) !== 0 && bytes > options >>> SEGMENT_SHIFT) {
    setOptions(sender, (options & ~(-1 << SEGMENT_SHIFT)) | (bytes << SEGMENT_SHIFT));
  }
}

/** Updates the windows of both sides from a segment in window. HEADER_WINDOW is unscaled. */
function moveWindows(
  sender: TcpSide,
  receiver: TcpSide,
  flags: i32,
  headerWindow: i32,
  acknowledgment: i32,
  acknowledged: i32,
  end: i32,
): void {
  const senderOptions = sender.options;
  // A shift takes only the lowest five bits of its count.
  const scale = (flags & TCP_SYN) !== 0 ? 0 : senderOptions >>> SCALE_SHIFT;
  const window = headerWindow << scale;
  const reach = window + acknowledged - acknowledgment;
  if (<u32>sender.maxWindow < <u32>reach) sender.maxWindow = reach;
  let newOptions = senderOptions;
  if (after(end, sender.end)) {
    sender.end = end;
    newOptions |= SideFlag.DATA_UNACKNOWLEDGED;
  }
  if (
    (flags & TCP_ACK) !== 0 &&
    ((senderOptions & SideFlag.MAX_ACK_SET) === 0 || after(acknowledgment, sender.maxAck))
  ) {
    sender.maxAck = acknowledgment;
    newOptions |= SideFlag.MAX_ACK_SET;
  }
  if (newOptions !== senderOptions) setOptions(sender, newOptions);

  const receiverMaxWindow = receiver.maxWindow;
  const senderMaxEnd = sender.maxEnd;
  if (receiverMaxWindow !== 0 && after(end, senderMaxEnd)) {
    receiver.maxWindow = receiverMaxWindow + end - senderMaxEnd;
  }
  const permitted = acknowledged + window;
  if (!before(permitted, receiver.maxEnd)) {
    // A zero window may be probed with one byte (RFC 9293, section 3.8.6.1).
    receiver.maxEnd = permitted + (window === 0 ? 1 : 0);
  }
  if (acknowledgment === receiver.end) {
    setOptions(receiver, receiver.options & ~SideFlag.DATA_UNACKNOWLEDGED);
  }
}

/** Initializes SENDER from its first SYN or SYN/ACK: sequence number, window (never scaled here) and options. */
function startSender(sender: TcpSide, receiver: TcpSide, direction: i32): void {
  sender.end = segment.end;
  sender.maxEnd = segment.end;
  sender.maxWindow = segment.window !== 0 ? segment.window : 1;
  takeHandshakeOptions(sender);
  // RFC 7323, section 2.2: windows are scaled only if both sides offered it, which is known when the reply arrives.
  const senderOptions = sender.options;
  const receiverOptions = receiver.options;
  if (direction === REPLY && (senderOptions & receiverOptions & SideFlag.WINDOW_SCALE) === 0) {
    setOptions(sender, senderOptions & ~SCALE_MASK);
    setOptions(receiver, receiverOptions & ~SCALE_MASK);
  }
}

/** Initializes SENDER from its first segment if its handshake was not seen. */
function pickUpSender(sender: TcpSide, receiver: TcpSide, acknowledged: i32): void {
  const scaled = segment.window << (sender.options >>> SCALE_SHIFT);
  const window = scaled !== 0 ? scaled : 1;
  sender.end = segment.end;
  sender.maxWindow = window;
  sender.maxEnd = segment.end + window;
  if (receiver.maxWindow === 0) {
    // Nothing is known about the other side either, except that it has sent what is acknowledged here.
    receiver.end = acknowledged;
    receiver.maxEnd = acknowledged;
  } else if (acknowledged === receiver.end + 1) {
    // The reply to a keep-alive, which repeats the last byte.
    receiver.end = acknowledged;
  }
}

/** A handshake without options keeps what was known (as after a pickup). */
function takeHandshakeOptions(side: TcpSide): void {
  if (!segment.hasOptions()) return;
  setOptions(side, (side.options & SideFlag.BE_LIBERAL) | segment.handshakeOptions());
}

function setOptions(side: TcpSide, options: i32): void {
  side.options = options;
}

/** Counts repetitions of the same ACK: after three, the receiver may be gone. */
function rememberAck(
  record: TcpConnection,
  direction: i32,
  sequence: i32,
  acknowledgment: i32,
  end: i32,
  window: i32,
): void {
  const last = record.lastWindow;
  if (
    record.lastDirection === direction &&
    record.lastSequence === sequence &&
    record.lastAcknowledgment === acknowledgment &&
    record.lastEnd === end &&
    (last & WINDOW_MASK) === window
  ) {
    const again = ((last >>> RETRANSMISSIONS_SHIFT) + 1) & RETRANSMISSIONS_MASK;
    record.lastWindow = window | (again << RETRANSMISSIONS_SHIFT);
    return;
  }
  record.lastDirection = direction;
  record.lastSequence = sequence;
  record.lastAcknowledgment = acknowledgment;
  record.lastEnd = end;
  record.lastWindow = window;
}

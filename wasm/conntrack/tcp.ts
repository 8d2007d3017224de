// The TCP tracker (kernel: nf_conntrack_proto_tcp). States are in core/protocols/tcp-states.ts, windows in
// tcp-window.ts, the connection record in core/conntrack/tcp-record.ts. This file combines them and handles the cases
// in which a middlebox cannot be sure what the endpoints know.

import {
  Invalid,
  KIND_BITS,
  ORIGINAL,
  REPLY,
  RETRANSMISSIONS_SHIFT,
  SegmentKind,
  SideFlag,
  STATE_BITS,
  Status,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  TCP_WINDOW_AT,
  TcpRemark,
  TcpState,
  TrackResult,
  WINDOW_MASK,
} from '../constants';
import { load16, load32 } from '../flow/packet';
import { settings, TcpConnection, TcpSide, TRANSITIONS_AT, VALID_FLAGS_AT } from '../records';
import { account, nowMs, refresh } from './account';
import { recordAt } from './table';
import { note, noteLowered, noteState } from './tcp-remark';
import * as segment from './tcp-segment';
import { before, headerLengthOf, readSegment } from './tcp-segment';
import {
  followAck,
  isClearlyInWindow,
  noteSegment,
  openWindow,
  pickUpWindow,
  trackWindow,
  WindowVerdict,
} from './tcp-window';

/** Minimum lifetime of a connection that both sides try in vain to close. */
const MIN_FUTILE_CLOSE_MS: f64 = 120000;

const SYN_ACK_FLAGS = TCP_SYN | TCP_ACK;
const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

/** The effect of a RST on the connection. */
enum Reset {
  /** It does not belong to the connection. */
  INVALID,
  /** It closes the connection if it is in window. */
  TRACKED,
  /** It closes the connection, in window or not. */
  TRUSTED,
  /** Its receiver may challenge it. If in window, the connection continues, but with a short time-out. */
  CHALLENGED,
}

function tcpRecordAt(entry: i32): TcpConnection {
  return changetype<TcpConnection>(recordAt(entry));
}

/** The state after a segment of KIND in DIRECTION arrived in STATE. */
function transition(direction: i32, kind: i32, state: i32): i32 {
  return load<u8>(TRANSITIONS_AT + ((direction << (KIND_BITS + STATE_BITS)) | (kind << STATE_BITS) | state));
}

/**
 * Whether the header of the segment of LENGTH bytes at L4, of which AVAILABLE are present, is one that an endpoint may
 * send.
 */
export function tcpIsValid(l4: usize, length: i32, available: i32): bool {
  if (length < TCP_LENGTH || available < TCP_LENGTH) return false;
  const headerLength = headerLengthOf(l4);
  if (headerLength < TCP_LENGTH || headerLength > length) return false;
  return load<u8>(VALID_FLAGS_AT + <usize>load<u8>(l4, TCP_FLAGS_AT)) !== 0;
}

/** Whether the valid segment at L4 may open ENTRY, a new record. */
export function tcpOpen(entry: i32, l4: usize, length: i32, available: i32): bool {
  readSegment(l4, length, available);
  const state = transition(ORIGINAL, segment.kind, TcpState.NONE);
  if (state === TcpState.INVALID) {
    note(TcpRemark.NOT_OPENING, 0);
    return false;
  }
  if (state !== TcpState.SYN_SENT && settings().loose === 0) return false;
  const record = tcpRecordAt(entry);
  // A new record is all zeros: state NONE, nothing known of either side.
  record.lastKind = SegmentKind.OTHER;
  if (state === TcpState.SYN_SENT) openWindow(record);
  else pickUpWindow(record);
  return true;
}

/**
 * Tracks the valid segment at L4 of a packet of PACKET_LENGTH bytes. Returns a `TrackResult`, or why it is `Invalid`.
 */
export function tcpUpdate(entry: i32, direction: i32, l4: usize, length: i32, available: i32, packetLength: i32): i32 {
  readSegment(l4, length, available);
  const record = tcpRecordAt(entry);
  const kind = segment.kind;
  let oldState = record.state;
  let state = transition(direction, kind, oldState);
  let isWindowTrusted = false;

  switch (state) {
    case TcpState.INVALID:
      noteState(TcpRemark.WRONG_STATE, direction, oldState);
      return Invalid.STATE;
    case TcpState.REOPEN:
      if (mayReopen(record, direction)) return TrackResult.REPEAT;
      state = TcpState.IGNORE;
      break;
    case TcpState.TIME_WAIT:
      if (oldState === TcpState.LAST_ACK && isChallengeAck(record, direction, kind)) {
        note(TcpRemark.CHALLENGE, 0);
        return TrackResult.ACCEPT;
      }
      break;
    case TcpState.SYN_SENT2:
      record.lastOptions = record.lastOptions | SideFlag.SIMULTANEOUS_OPEN;
      break;
    case TcpState.SYN_RECV:
      if (direction === REPLY && kind === SegmentKind.ACK && isSimultaneousOpen(record)) state = TcpState.ESTABLISHED;
      break;
    case TcpState.CLOSE:
      if (kind === SegmentKind.RST) {
        const is = resetOf(record, direction, oldState);
        if (is === Reset.INVALID) {
          note(TcpRemark.WRONG_RST, 0);
          return Invalid.RESET;
        }
        if (is === Reset.CHALLENGED) state = oldState;
        isWindowTrusted = is === Reset.TRUSTED;
      }
      break;
  }
  if (state === TcpState.IGNORE) {
    if (!answersIgnoredSyn(record, direction)) {
      ignore(record, direction, oldState);
      noteState(TcpRemark.IGNORED, direction, oldState);
      return TrackResult.ACCEPT;
    }
    resynchronize(record, direction);
    oldState = TcpState.SYN_SENT;
    state = TcpState.SYN_RECV;
  }

  if (!isWindowTrusted) {
    const sender = record.side(direction);
    const liberal = settings().beLiberal !== 0 || (sender.options & SideFlag.BE_LIBERAL) !== 0;
    const verdict = trackWindow(record, direction, liberal);
    if (verdict === WindowVerdict.IGNORE) return TrackResult.ACCEPT;
    if (verdict === WindowVerdict.INVALID) {
      outOfWindow(record, direction);
      return Invalid.WINDOW;
    }
  }
  if (kind === SegmentKind.ACK) noteSegment(record.side(direction), segment.end - segment.sequence);
  record.lastKind = kind;
  record.lastDirection = direction;
  record.state = state;
  if (state === TcpState.FIN_WAIT && oldState !== state) addOption(record.side(direction), SideFlag.CLOSE_INIT);
  return count(record, direction, packetLength, oldState, state);
}

/**
 * Whether `tcpFollow` may be called for the valid and complete segment of LENGTH bytes at L4. Changes nothing. Returns
 * true only if `tcpUpdate` would return ACCEPT: for ACKs and FINs that are clearly in window, and for a SYN/ACK that
 * clearly replies to a SYN.
 */
export function tcpIsOrdinary(record: TcpConnection, direction: i32, l4: usize, length: i32): bool {
  if (segment.hasUnusualOptions(l4) && load<u8>(l4, TCP_FLAGS_AT) !== SYN_ACK_FLAGS) return false;
  readSegment(l4, length, length);
  const kind = segment.kind;
  const oldState = record.state;
  if (kind === SegmentKind.SYN_ACK) {
    return (
      direction === REPLY &&
      oldState === TcpState.SYN_SENT &&
      record.lastKind === SegmentKind.SYN &&
      record.side(REPLY).maxWindow === 0 &&
      segment.acknowledgment === record.side(ORIGINAL).end &&
      segment.acknowledgment === segment.acknowledgedUpTo()
    );
  }
  if (kind !== SegmentKind.ACK && kind !== SegmentKind.FIN) return false;
  if (oldState < TcpState.SYN_RECV || oldState > TcpState.TIME_WAIT) return false;
  const state = transition(direction, kind, oldState);
  if (state >= TcpState.SYN_SENT2) return false;
  if (state === TcpState.TIME_WAIT && oldState === TcpState.LAST_ACK) {
    if ((record.lastOptions & SideFlag.CHALLENGE_ACK) !== 0) return false;
  }
  if (state === TcpState.SYN_RECV && isSimultaneousOpen(record)) return false;
  return isClearlyInWindow(record, direction, segment.sequence, segment.acknowledgment, segment.end);
}

/** Values read by `tcpIsOrdinaryAck` for `tcpFollowAck`. */
let ackSequence = 0;
let ackNumber = 0;
let ackEnd = 0;
let ackWindow = 0;

/**
 * `tcpIsOrdinary` for the bulk of all traffic: an ACK of an ASSURED connection in ESTABLISHED. If true, `tcpFollowAck`
 * may be called. If false, the segment may still be ordinary.
 */
export function tcpIsOrdinaryAck(record: TcpConnection, direction: i32, l4: usize, length: i32): bool {
  if ((load<u8>(l4, TCP_FLAGS_AT) & ~TCP_PSH) !== TCP_ACK || segment.hasUnusualOptions(l4)) return false;
  if (record.state !== TcpState.ESTABLISHED) return false;
  if ((record.status & SETTLED) !== SETTLED) return false;
  ackSequence = load32(l4 + TCP_SEQUENCE_AT);
  ackNumber = load32(l4 + TCP_ACKNOWLEDGMENT_AT);
  ackEnd = ackSequence + length - headerLengthOf(l4);
  ackWindow = load16(l4 + TCP_WINDOW_AT);
  return isClearlyInWindow(record, direction, ackSequence, ackNumber, ackEnd);
}

/** `tcpFollow` for a segment just checked by `tcpIsOrdinaryAck`. */
export function tcpFollowAck(record: TcpConnection, direction: i32, packetLength: i32): void {
  followAck(record, direction, ackSequence, ackNumber, ackEnd, ackWindow);
  record.lastKind = SegmentKind.ACK;
  record.lastDirection = direction;
  account(record, direction, packetLength);
  refresh(record, timeoutOf(record, TcpState.ESTABLISHED, SegmentKind.ACK));
}

/** `tcpUpdate` for a segment just checked by `tcpIsOrdinary`. */
export function tcpFollow(record: TcpConnection, direction: i32, packetLength: i32): void {
  const kind = segment.kind;
  const oldState = record.state;
  const state = transition(direction, kind, oldState);
  if (kind === SegmentKind.ACK) {
    followAck(record, direction, segment.sequence, segment.acknowledgment, segment.end, segment.window);
  } else {
    trackWindow(record, direction, false);
  }
  record.lastKind = kind;
  record.lastDirection = direction;
  if (state !== oldState) {
    record.state = state;
    if (state === TcpState.FIN_WAIT) addOption(record.side(direction), SideFlag.CLOSE_INIT);
  }
  count(record, direction, packetLength, oldState, state);
}

/** Counts the packet, refreshes the entry, and decides whether it becomes ASSURED or ends. */
function count(record: TcpConnection, direction: i32, packetLength: i32, oldState: i32, state: i32): i32 {
  const kind = segment.kind;
  const status = record.status;
  let timeoutMs = timeoutOf(record, state, kind);
  if ((status & Status.SEEN_REPLY) === 0) {
    if (kind === SegmentKind.RST) {
      account(record, direction, packetLength);
      return TrackResult.KILL;
    }
    // A repeated SYN, or a reused port, must not keep an entry (and its NAT) alive.
    if (kind === SegmentKind.SYN && oldState === TcpState.SYN_SENT) return TrackResult.ACCEPT;
    // An unanswered pickup does not get the five days of ESTABLISHED.
    if (state === TcpState.ESTABLISHED) timeoutMs = min(timeoutMs, settings().tcpUnacknowledgedMs);
  } else if (
    (status & Status.ASSURED) === 0 &&
    state === TcpState.ESTABLISHED &&
    (oldState === TcpState.SYN_RECV || oldState === TcpState.ESTABLISHED)
  ) {
    record.status = status | Status.ASSURED;
  }
  account(record, direction, packetLength);
  refresh(record, timeoutMs);
  return TrackResult.ACCEPT;
}

function timeoutOf(record: TcpConnection, state: i32, kind: i32): f64 {
  const stateMs = settings().tcpMs(state);
  const retransmittedMs = settings().tcpRetransmittedMs;
  const lastWindow = record.lastWindow;
  if (lastWindow >>> RETRANSMISSIONS_SHIFT >= settings().maxRetrans && stateMs > retransmittedMs) {
    return retransmittedMs;
  }
  if (kind === SegmentKind.RST) return settings().tcpMs(TcpState.CLOSE);
  const options = record.side(ORIGINAL).options | record.side(REPLY).options;
  const unacknowledgedMs = settings().tcpUnacknowledgedMs;
  if ((options & SideFlag.DATA_UNACKNOWLEDGED) !== 0 && stateMs > unacknowledgedMs) return unacknowledgedMs;
  if ((lastWindow & WINDOW_MASK) === 0 && stateMs > retransmittedMs) return retransmittedMs;
  return stateMs;
}

function isSimultaneousOpen(record: TcpConnection): bool {
  return (record.lastOptions & SideFlag.SIMULTANEOUS_OPEN) !== 0;
}

function addOption(side: TcpSide, flag: i32): void {
  side.options = side.options | flag;
}

/** Whether a SYN in DIRECTION may reopen the closed connection: it was closed normally, or by this side's own RST. */
function mayReopen(record: TcpConnection, direction: i32): bool {
  const options = record.side(ORIGINAL).options | record.side(REPLY).options;
  return (
    (options & SideFlag.CLOSE_INIT) !== 0 || (record.lastDirection === direction && record.lastKind === SegmentKind.RST)
  );
}

/** Whether an ACK in LAST_ACK challenges the SYN that was ignored (RFC 5961, section 4.2). Accepted only once. */
function isChallengeAck(record: TcpConnection, direction: i32, kind: i32): bool {
  const options = record.lastOptions;
  if (
    kind !== SegmentKind.ACK ||
    record.lastDirection === direction ||
    record.lastKind !== SegmentKind.SYN ||
    (options & SideFlag.CHALLENGE_ACK) === 0
  ) {
    return false;
  }
  record.lastOptions = options & ~SideFlag.CHALLENGE_ACK;
  return true;
}

/** Whether this is the SYN/ACK to an ignored SYN: the endpoints are in sync, but conntrack is not. */
function answersIgnoredSyn(record: TcpConnection, direction: i32): bool {
  return (
    segment.kind === SegmentKind.SYN_ACK &&
    record.lastKind === SegmentKind.SYN &&
    record.lastDirection !== direction &&
    record.lastEnd === segment.acknowledgment
  );
}

/** Applies the remembered values of the ignored SYN. The side that answers it starts over, as liberal as it was. */
function resynchronize(record: TcpConnection, direction: i32): void {
  const opener = record.side(record.lastDirection);
  const end = record.lastEnd;
  const options = record.lastOptions & ~SideFlag.CHALLENGE_ACK;
  const window = record.lastWindow & WINDOW_MASK;
  record.lastOptions = options;
  opener.end = end;
  opener.maxEnd = end;
  opener.maxWindow = window !== 0 ? window : 1;
  opener.options = options;
  const answerer = record.side(direction);
  const liberal = answerer.options & SideFlag.BE_LIBERAL;
  memory.fill(changetype<usize>(answerer), 0, TcpSide.BYTES);
  answerer.options = liberal;
}

/** Remembers a segment that passes untracked. The reply shows whether conntrack is in sync. */
function ignore(record: TcpConnection, direction: i32, state: i32): void {
  const kind = segment.kind;
  record.lastKind = kind;
  record.lastDirection = direction;
  record.lastSequence = segment.sequence;
  record.lastEnd = segment.end;
  record.lastWindow = (record.lastWindow & ~WINDOW_MASK) | segment.window;
  if (kind === SegmentKind.SYN && direction === ORIGINAL) {
    const challenge = state === TcpState.LAST_ACK ? SideFlag.CHALLENGE_ACK : 0;
    record.lastOptions = segment.handshakeOptions() | challenge;
  }
  // A challenge to the SYN: the RST that answers it has this sequence number.
  if (state === TcpState.SYN_SENT && kind === SegmentKind.ACK && direction === REPLY) {
    record.lastAcknowledgment = segment.acknowledgment;
  }
}

function resetOf(record: TcpConnection, direction: i32, state: i32): Reset {
  // While the connection closes, the ports may already be reused, so the known sequence numbers mean nothing.
  if (isClosing(state)) return Reset.TRUSTED;
  const sequence = segment.sequence;
  const peer = record.side(1 - direction);
  const status = record.status;
  const lastKind = record.lastKind;
  const lastDirection = record.lastDirection;
  const lastEnd = record.lastEnd;

  if ((peer.options & SideFlag.MAX_ACK_SET) !== 0 && lastKind !== SegmentKind.SYN) {
    const peerMaxAck = peer.maxAck;
    const isEstablished = state === TcpState.ESTABLISHED && (status & Status.ASSURED) !== 0;
    // Sequence number 0 most likely answers an ignored SYN.
    if (sequence === 0 && !isEstablished) return Reset.TRACKED;
    if (before(sequence, peerMaxAck) && settings().ignoreInvalidRst === 0) return Reset.INVALID;
    if (!isEstablished || sequence === peerMaxAck) return Reset.TRACKED;
    // It follows the data that its sender sent last.
    if (lastKind === SegmentKind.ACK && lastDirection === direction && sequence === lastEnd) return Reset.TRACKED;
    // RFC 5961, section 3.2: its receiver may challenge it, and the connection may continue.
    return Reset.CHALLENGED;
  }
  // The reply to a SYN or an ACK that passed untracked: it may acknowledge data that was never seen.
  const answersIgnored =
    ((status & Status.SEEN_REPLY) !== 0 && lastKind === SegmentKind.SYN && lastDirection !== direction) ||
    ((status & Status.ASSURED) === 0 && lastKind === SegmentKind.ACK);
  if (answersIgnored && segment.acknowledgment === lastEnd) return Reset.TRUSTED;
  // The reply to a challenge that passed untracked.
  if (
    state === TcpState.SYN_SENT &&
    lastKind === SegmentKind.ACK &&
    lastDirection === REPLY &&
    sequence === record.lastAcknowledgment
  ) {
    return Reset.TRUSTED;
  }
  return Reset.TRACKED;
}

/** If both sides try in vain to close the connection, conntrack is out of sync with them: let it expire sooner. */
function outOfWindow(record: TcpConnection, direction: i32): void {
  const kind = segment.kind;
  if ((record.status & Status.ASSURED) === 0) return;
  if (kind !== SegmentKind.RST && kind !== SegmentKind.FIN) return;
  const lastKind = record.lastKind;
  if (record.lastDirection === direction || (lastKind !== SegmentKind.FIN && lastKind !== SegmentKind.RST)) {
    record.lastKind = kind;
    record.lastDirection = direction;
    return;
  }
  const remainingMs = record.expiresMs - nowMs();
  const unacknowledgedMs = settings().tcpUnacknowledgedMs;
  if (remainingMs < MIN_FUTILE_CLOSE_MS || remainingMs <= unacknowledgedMs) return;
  refresh(record, unacknowledgedMs);
  noteLowered(direction, lastKind);
}

/** The states after the first FIN or RST. A full table drops entries in these states first. */
function isClosing(state: i32): bool {
  return state >= TcpState.FIN_WAIT && state <= TcpState.CLOSE;
}

// The TCP tracker (kernel: nf_conntrack_proto_tcp). States are in core/protocols/tcp-states.ts, windows in tcp-window.ts, the
// memory of a connection in core/conntrack/tcp-record.ts; here is how they work together, and where a firewall in the middle
// must doubt itself.

import {
  EXPIRES_MS_F64,
  Invalid,
  KIND_BITS,
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_KIND,
  LAST_OPTIONS,
  LAST_SEQUENCE,
  LAST_WINDOW,
  ORIGINAL,
  REPLY,
  RETRANSMISSIONS_SHIFT,
  SETTING_BE_LIBERAL_F64,
  SETTING_IGNORE_INVALID_RST_F64,
  SETTING_LOOSE_F64,
  SETTING_MAX_RETRANS_F64,
  SETTING_RETRANSMITTED_MS_F64,
  SETTING_TCP_MS_F64,
  SETTING_UNACKNOWLEDGED_MS_F64,
  SegmentKind,
  SIDE_END,
  SIDE_MAX_ACK,
  SIDE_MAX_END,
  SIDE_MAX_WINDOW,
  SIDE_OPTIONS,
  SideFlag,
  STATE_BITS,
  STATUS,
  Status,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE_AT,
  TCP_SIDE_WORDS,
  TCP_STATE,
  TCP_SYN,
  TCP_WINDOW_AT,
  TcpState,
  TRANSITIONS_AT,
  TrackResult,
  VALID_FLAGS_AT,
  WINDOW_MASK,
} from '../constants';
import { load16, load32 } from '../flow/packet';
import { account, nowMs, refresh, setting } from './account';
import { recordAt } from './table';
import * as segment from './tcp-segment';
import { before, headerLengthOf, readSegment } from './tcp-segment';
import { belongs, followAck, openWindow, pickUpWindow, sideOf, trackWindow, WindowVerdict } from './tcp-window';

/** nf_conntrack's least lifetime for a connection that both sides try to end in vain. */
const VAIN_END_MS: f64 = 120000;

const SYN_ACK_FLAGS = TCP_SYN | TCP_ACK;
const SETTLED = Status.SEEN_REPLY | Status.ASSURED;

/** What a RST is. */
enum Reset {
  /** Not this connection's. */
  INVALID,
  /** Ends it, if it is in window. */
  TRACKED,
  /** Ends it, wherever its window is. */
  TRUSTED,
  /** In doubt: if it is in window, the connection goes on, but not for long. */
  CHALLENGED,
}

/** The state after a segment of KIND in DIRECTION met STATE. */
function transition(direction: i32, kind: i32, state: i32): i32 {
  return load<u8>(TRANSITIONS_AT + ((direction << (KIND_BITS + STATE_BITS)) | (kind << STATE_BITS) | state));
}

/** Whether the header of the segment of LENGTH bytes at L4, of which AVAILABLE are there, is one that an endpoint may send. */
export function tcpIsValid(l4: usize, length: i32, available: i32): bool {
  if (length < TCP_LENGTH || available < TCP_LENGTH) return false;
  const headerLength = headerLengthOf(l4);
  if (headerLength < TCP_LENGTH || headerLength > length) return false;
  return load<u8>(VALID_FLAGS_AT + <usize>load<u8>(l4, TCP_FLAGS_AT)) !== 0;
}

/** Whether the valid segment at L4 may open ENTRY, a fresh record. */
export function tcpOpen(entry: i32, l4: usize, length: i32, available: i32): bool {
  readSegment(l4, length, available);
  const state = transition(ORIGINAL, segment.kind, TcpState.NONE);
  if (state === TcpState.INVALID || (state !== TcpState.SYN_SENT && setting(SETTING_LOOSE_F64) === 0)) return false;
  const record = recordAt(entry);
  // A fresh record is all zeros: state NONE, nothing known of either side.
  store<i32>(record, SegmentKind.OTHER, LAST_KIND << 2);
  if (state === TcpState.SYN_SENT) openWindow(record);
  else pickUpWindow(record);
  return true;
}

/** Follow the valid segment at L4 of a packet of PACKET_LENGTH bytes; a `TrackResult` or why it is `Invalid`. */
export function tcpUpdate(entry: i32, direction: i32, l4: usize, length: i32, available: i32, packetLength: i32): i32 {
  readSegment(l4, length, available);
  const record = recordAt(entry);
  const kind = segment.kind;
  let oldState = load<i32>(record, TCP_STATE << 2);
  let state = transition(direction, kind, oldState);
  let isWindowTrusted = false;

  switch (state) {
    case TcpState.INVALID:
      return Invalid.STATE;
    case TcpState.REOPEN:
      if (mayReopen(record, direction)) return TrackResult.REPEAT;
      state = TcpState.IGNORE;
      break;
    case TcpState.TIME_WAIT:
      if (oldState === TcpState.LAST_ACK && isChallengeAck(record, direction, kind)) return TrackResult.ACCEPT;
      break;
    case TcpState.SYN_SENT2:
      store<i32>(record, load<i32>(record, LAST_OPTIONS << 2) | SideFlag.SIMULTANEOUS_OPEN, LAST_OPTIONS << 2);
      break;
    case TcpState.SYN_RECV:
      if (direction === REPLY && kind === SegmentKind.ACK && isSimultaneousOpen(record)) state = TcpState.ESTABLISHED;
      break;
    case TcpState.CLOSE:
      if (kind === SegmentKind.RST) {
        const is = resetOf(record, direction, oldState);
        if (is === Reset.INVALID) return Invalid.RESET;
        if (is === Reset.CHALLENGED) state = oldState;
        isWindowTrusted = is === Reset.TRUSTED;
      }
      break;
  }
  if (state === TcpState.IGNORE) {
    if (!answersIgnoredSyn(record, direction)) {
      ignore(record, direction, oldState);
      return TrackResult.ACCEPT;
    }
    resynchronize(record, direction);
    oldState = TcpState.SYN_SENT;
    state = TcpState.SYN_RECV;
  }

  if (!isWindowTrusted) {
    const sender = sideOf(record, direction);
    const liberal =
      setting(SETTING_BE_LIBERAL_F64) !== 0 || (load<i32>(sender, SIDE_OPTIONS << 2) & SideFlag.BE_LIBERAL) !== 0;
    const verdict = trackWindow(record, direction, liberal);
    if (verdict === WindowVerdict.IGNORE) return TrackResult.ACCEPT;
    if (verdict === WindowVerdict.INVALID) {
      outOfWindow(record, direction);
      return Invalid.WINDOW;
    }
  }
  store<i32>(record, kind, LAST_KIND << 2);
  store<i32>(record, direction, LAST_DIRECTION << 2);
  store<i32>(record, state, TCP_STATE << 2);
  if (state === TcpState.FIN_WAIT && oldState !== state) addOption(sideOf(record, direction), SideFlag.CLOSE_INIT);
  return count(record, direction, packetLength, oldState, state);
}

/**
 * Whether `tcpFollow` may be called for the valid segment of LENGTH bytes at L4, all of them there: it changes nothing, and says
 * true only where `tcpUpdate` is bound to give ACCEPT. ACKs and FINs that plainly belong to the windows, and the SYN/ACK that
 * plainly answers a SYN.
 */
export function tcpIsOrdinary(record: usize, direction: i32, l4: usize, length: i32): bool {
  if (segment.hasUnusualOptions(l4) && load<u8>(l4, TCP_FLAGS_AT) !== SYN_ACK_FLAGS) return false;
  readSegment(l4, length, length);
  const kind = segment.kind;
  const oldState = load<i32>(record, TCP_STATE << 2);
  if (kind === SegmentKind.SYN_ACK) {
    return (
      direction === REPLY &&
      oldState === TcpState.SYN_SENT &&
      load<i32>(record, LAST_KIND << 2) === SegmentKind.SYN &&
      load<i32>(sideOf(record, REPLY), SIDE_MAX_WINDOW << 2) === 0 &&
      segment.acknowledgment === load<i32>(sideOf(record, ORIGINAL), SIDE_END << 2) &&
      segment.acknowledgment === segment.acknowledgedUpTo()
    );
  }
  if (kind !== SegmentKind.ACK && kind !== SegmentKind.FIN) return false;
  if (oldState < TcpState.SYN_RECV || oldState > TcpState.TIME_WAIT) return false;
  const state = transition(direction, kind, oldState);
  if (state >= TcpState.SYN_SENT2) return false;
  if (state === TcpState.TIME_WAIT && oldState === TcpState.LAST_ACK) {
    if ((load<i32>(record, LAST_OPTIONS << 2) & SideFlag.CHALLENGE_ACK) !== 0) return false;
  }
  if (state === TcpState.SYN_RECV && isSimultaneousOpen(record)) return false;
  return belongs(record, direction, segment.sequence, segment.acknowledgment, segment.end);
}

/** What `tcpIsOrdinaryAck` has read of its segment. */
let ackSequence = 0;
let ackNumber = 0;
let ackEnd = 0;
let ackWindow = 0;

/**
 * `tcpIsOrdinary` for what is most of all traffic: an ACK of an ASSURED connection in ESTABLISHED, for which `tcpFollowAck` may be
 * called then. False says nothing.
 */
export function tcpIsOrdinaryAck(record: usize, direction: i32, l4: usize, length: i32): bool {
  if ((load<u8>(l4, TCP_FLAGS_AT) & ~TCP_PSH) !== TCP_ACK || segment.hasUnusualOptions(l4)) return false;
  if (load<i32>(record, TCP_STATE << 2) !== TcpState.ESTABLISHED) return false;
  if ((load<i32>(record, STATUS << 2) & SETTLED) !== SETTLED) return false;
  ackSequence = load32(l4 + TCP_SEQUENCE_AT);
  ackNumber = load32(l4 + TCP_ACKNOWLEDGMENT_AT);
  ackEnd = ackSequence + length - headerLengthOf(l4);
  ackWindow = load16(l4 + TCP_WINDOW_AT);
  return belongs(record, direction, ackSequence, ackNumber, ackEnd);
}

/** `tcpFollow` of a segment that `tcpIsOrdinaryAck` has just been asked about. */
export function tcpFollowAck(record: usize, direction: i32, packetLength: i32): void {
  followAck(record, direction, ackSequence, ackNumber, ackEnd, ackWindow);
  store<i32>(record, SegmentKind.ACK, LAST_KIND << 2);
  store<i32>(record, direction, LAST_DIRECTION << 2);
  account(record, direction, packetLength);
  refresh(record, timeoutOf(record, TcpState.ESTABLISHED, SegmentKind.ACK));
}

/** `tcpUpdate` of a segment that `tcpIsOrdinary` has just been asked about. */
export function tcpFollow(record: usize, direction: i32, packetLength: i32): void {
  const kind = segment.kind;
  const oldState = load<i32>(record, TCP_STATE << 2);
  const state = transition(direction, kind, oldState);
  if (kind === SegmentKind.ACK) {
    followAck(record, direction, segment.sequence, segment.acknowledgment, segment.end, segment.window);
  } else {
    trackWindow(record, direction, false);
  }
  store<i32>(record, kind, LAST_KIND << 2);
  store<i32>(record, direction, LAST_DIRECTION << 2);
  if (state !== oldState) {
    store<i32>(record, state, TCP_STATE << 2);
    if (state === TcpState.FIN_WAIT) addOption(sideOf(record, direction), SideFlag.CLOSE_INIT);
  }
  count(record, direction, packetLength, oldState, state);
}

/** Count the packet, let the entry live on, and see whether it is ASSURED or over. */
function count(record: usize, direction: i32, packetLength: i32, oldState: i32, state: i32): i32 {
  const kind = segment.kind;
  const status = load<i32>(record, STATUS << 2);
  let timeoutMs = timeoutOf(record, state, kind);
  if ((status & Status.SEEN_REPLY) === 0) {
    if (kind === SegmentKind.RST) {
      account(record, direction, packetLength);
      return TrackResult.KILL;
    }
    // A SYN that is sent again and again, or a reused port, must not keep an entry (and its NAT) alive.
    if (kind === SegmentKind.SYN && oldState === TcpState.SYN_SENT) return TrackResult.ACCEPT;
    // A pickup that nobody has answered is not worth five days.
    if (state === TcpState.ESTABLISHED) timeoutMs = min(timeoutMs, setting(SETTING_UNACKNOWLEDGED_MS_F64));
  } else if (
    (status & Status.ASSURED) === 0 &&
    state === TcpState.ESTABLISHED &&
    (oldState === TcpState.SYN_RECV || oldState === TcpState.ESTABLISHED)
  ) {
    store<i32>(record, status | Status.ASSURED, STATUS << 2);
  }
  account(record, direction, packetLength);
  refresh(record, timeoutMs);
  return TrackResult.ACCEPT;
}

function timeoutOf(record: usize, state: i32, kind: i32): f64 {
  const stateMs = setting(SETTING_TCP_MS_F64 + state);
  const retransmittedMs = setting(SETTING_RETRANSMITTED_MS_F64);
  const lastWindow = load<u32>(record, LAST_WINDOW << 2);
  if (<f64>(lastWindow >>> RETRANSMISSIONS_SHIFT) >= setting(SETTING_MAX_RETRANS_F64) && stateMs > retransmittedMs) {
    return retransmittedMs;
  }
  if (kind === SegmentKind.RST) return setting(SETTING_TCP_MS_F64 + TcpState.CLOSE);
  const opener = sideOf(record, ORIGINAL);
  const options = load<i32>(opener, SIDE_OPTIONS << 2) | load<i32>(opener, (TCP_SIDE_WORDS + SIDE_OPTIONS) << 2);
  const unacknowledgedMs = setting(SETTING_UNACKNOWLEDGED_MS_F64);
  if ((options & SideFlag.DATA_UNACKNOWLEDGED) !== 0 && stateMs > unacknowledgedMs) return unacknowledgedMs;
  if ((lastWindow & WINDOW_MASK) === 0 && stateMs > retransmittedMs) return retransmittedMs;
  return stateMs;
}

function isSimultaneousOpen(record: usize): bool {
  return (load<i32>(record, LAST_OPTIONS << 2) & SideFlag.SIMULTANEOUS_OPEN) !== 0;
}

function addOption(side: usize, flag: i32): void {
  store<i32>(side, load<i32>(side, SIDE_OPTIONS << 2) | flag, SIDE_OPTIONS << 2);
}

/** Whether a SYN in DIRECTION may open the ended connection anew: it was closed in order, or by this side's own RST. */
function mayReopen(record: usize, direction: i32): bool {
  const options =
    load<i32>(sideOf(record, ORIGINAL), SIDE_OPTIONS << 2) | load<i32>(sideOf(record, REPLY), SIDE_OPTIONS << 2);
  return (
    (options & SideFlag.CLOSE_INIT) !== 0 ||
    (load<i32>(record, LAST_DIRECTION << 2) === direction && load<i32>(record, LAST_KIND << 2) === SegmentKind.RST)
  );
}

/** Whether an ACK in LAST_ACK challenges the SYN that we ignored (RFC 5961, section 4.2). It is believed only once. */
function isChallengeAck(record: usize, direction: i32, kind: i32): bool {
  const options = load<i32>(record, LAST_OPTIONS << 2);
  if (
    kind !== SegmentKind.ACK ||
    load<i32>(record, LAST_DIRECTION << 2) === direction ||
    load<i32>(record, LAST_KIND << 2) !== SegmentKind.SYN ||
    (options & SideFlag.CHALLENGE_ACK) === 0
  ) {
    return false;
  }
  store<i32>(record, options & ~SideFlag.CHALLENGE_ACK, LAST_OPTIONS << 2);
  return true;
}

/** Whether this is the SYN/ACK to a SYN that we ignored: both sides are in step, and we are not. */
function answersIgnoredSyn(record: usize, direction: i32): bool {
  return (
    segment.kind === SegmentKind.SYN_ACK &&
    load<i32>(record, LAST_KIND << 2) === SegmentKind.SYN &&
    load<i32>(record, LAST_DIRECTION << 2) !== direction &&
    load<i32>(record, LAST_END << 2) === segment.acknowledgment
  );
}

/** Take over what was remembered of the ignored SYN; the side that answers it starts anew, as liberal as it was. */
function resynchronize(record: usize, direction: i32): void {
  const opener = sideOf(record, load<i32>(record, LAST_DIRECTION << 2));
  const end = load<i32>(record, LAST_END << 2);
  const options = load<i32>(record, LAST_OPTIONS << 2) & ~SideFlag.CHALLENGE_ACK;
  const window = load<i32>(record, LAST_WINDOW << 2) & WINDOW_MASK;
  store<i32>(record, options, LAST_OPTIONS << 2);
  store<i32>(opener, end, SIDE_END << 2);
  store<i32>(opener, end, SIDE_MAX_END << 2);
  store<i32>(opener, window !== 0 ? window : 1, SIDE_MAX_WINDOW << 2);
  store<i32>(opener, options, SIDE_OPTIONS << 2);
  const answerer = sideOf(record, direction);
  const liberal = load<i32>(answerer, SIDE_OPTIONS << 2) & SideFlag.BE_LIBERAL;
  memory.fill(answerer, 0, TCP_SIDE_WORDS << 2);
  store<i32>(answerer, liberal, SIDE_OPTIONS << 2);
}

/** Remember a segment that passes untracked: what answers it tells whether we are in step. */
function ignore(record: usize, direction: i32, state: i32): void {
  const kind = segment.kind;
  store<i32>(record, kind, LAST_KIND << 2);
  store<i32>(record, direction, LAST_DIRECTION << 2);
  store<i32>(record, segment.sequence, LAST_SEQUENCE << 2);
  store<i32>(record, segment.end, LAST_END << 2);
  store<i32>(record, (load<i32>(record, LAST_WINDOW << 2) & ~WINDOW_MASK) | segment.window, LAST_WINDOW << 2);
  if (kind === SegmentKind.SYN && direction === ORIGINAL) {
    const challenge = state === TcpState.LAST_ACK ? SideFlag.CHALLENGE_ACK : 0;
    store<i32>(record, segment.handshakeOptions() | challenge, LAST_OPTIONS << 2);
  }
  // A challenge to our SYN: the RST that answers it has this as its sequence number.
  if (state === TcpState.SYN_SENT && kind === SegmentKind.ACK && direction === REPLY) {
    store<i32>(record, segment.acknowledgment, LAST_ACKNOWLEDGMENT << 2);
  }
}

function resetOf(record: usize, direction: i32, state: i32): Reset {
  // While it closes, the ports may have been reused already: what is known of the sequence numbers says nothing.
  if (isClosing(state)) return Reset.TRUSTED;
  const sequence = segment.sequence;
  const peer = sideOf(record, 1 - direction);
  const status = load<i32>(record, STATUS << 2);
  const lastKind = load<i32>(record, LAST_KIND << 2);
  const lastDirection = load<i32>(record, LAST_DIRECTION << 2);
  const lastEnd = load<i32>(record, LAST_END << 2);

  if ((load<i32>(peer, SIDE_OPTIONS << 2) & SideFlag.MAX_ACK_SET) !== 0 && lastKind !== SegmentKind.SYN) {
    const peerMaxAck = load<i32>(peer, SIDE_MAX_ACK << 2);
    const isEstablished = state === TcpState.ESTABLISHED && (status & Status.ASSURED) !== 0;
    // Sequence number 0 most likely answers a SYN that we ignored.
    if (sequence === 0 && !isEstablished) return Reset.TRACKED;
    if (before(sequence, peerMaxAck) && setting(SETTING_IGNORE_INVALID_RST_F64) === 0) return Reset.INVALID;
    if (!isEstablished || sequence === peerMaxAck) return Reset.TRACKED;
    // It follows the data that its sender sent last.
    if (lastKind === SegmentKind.ACK && lastDirection === direction && sequence === lastEnd) return Reset.TRACKED;
    // RFC 5961, section 3.2: its receiver may challenge it, and the connection go on.
    return Reset.CHALLENGED;
  }
  // The answer to a SYN or an ACK that passed untracked: it may acknowledge what we never saw.
  const answersIgnored =
    ((status & Status.SEEN_REPLY) !== 0 && lastKind === SegmentKind.SYN && lastDirection !== direction) ||
    ((status & Status.ASSURED) === 0 && lastKind === SegmentKind.ACK);
  if (answersIgnored && segment.acknowledgment === lastEnd) return Reset.TRUSTED;
  // The answer to a challenge that passed untracked.
  if (
    state === TcpState.SYN_SENT &&
    lastKind === SegmentKind.ACK &&
    lastDirection === REPLY &&
    sequence === load<i32>(record, LAST_ACKNOWLEDGMENT << 2)
  ) {
    return Reset.TRUSTED;
  }
  return Reset.TRACKED;
}

/** Where both sides try in vain to end the connection, we are out of step with them: let it end sooner. */
function outOfWindow(record: usize, direction: i32): void {
  const kind = segment.kind;
  if ((load<i32>(record, STATUS << 2) & Status.ASSURED) === 0) return;
  if (kind !== SegmentKind.RST && kind !== SegmentKind.FIN) return;
  const lastKind = load<i32>(record, LAST_KIND << 2);
  if (
    load<i32>(record, LAST_DIRECTION << 2) === direction ||
    (lastKind !== SegmentKind.FIN && lastKind !== SegmentKind.RST)
  ) {
    store<i32>(record, kind, LAST_KIND << 2);
    store<i32>(record, direction, LAST_DIRECTION << 2);
    return;
  }
  const remainingMs = load<f64>(record, EXPIRES_MS_F64 << 3) - nowMs();
  const unacknowledgedMs = setting(SETTING_UNACKNOWLEDGED_MS_F64);
  if (remainingMs >= VAIN_END_MS && remainingMs > unacknowledgedMs) refresh(record, unacknowledgedMs);
}

/** The states after the first FIN or RST, in which a full table may drop an entry first. */
function isClosing(state: i32): bool {
  return state >= TcpState.FIN_WAIT && state <= TcpState.CLOSE;
}

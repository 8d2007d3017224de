import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  CONTROL_AT,
  CONTROL_NOW_MS_F64,
  EXPIRES_MS_F64,
  IPV4_LENGTH,
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_KIND,
  LAST_SEQUENCE,
  LAST_WINDOW,
  PACKETS_F64,
  RETRANSMISSIONS_SHIFT,
  SCALE_SHIFT,
  SETTING_MAX_RETRANS_F64,
  SETTING_RETRANSMITTED_MS_F64,
  SETTING_TCP_MS_F64,
  SETTING_UDP_STREAM_MS_F64,
  SETTING_UNACKNOWLEDGED_MS_F64,
  SETTINGS_AT,
  SegmentKind,
  SIDE_END,
  SIDE_MAX_ACK,
  SIDE_MAX_END,
  SIDE_MAX_WINDOW,
  SIDE_OPTIONS,
  SideFlag,
  TCP_ACK,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SIDE,
  TCP_SIDE_WORDS,
  TCP_STATE,
  TcpState,
  WINDOW_MASK,
} from './constants';
import { load16, load32 } from './packet';

function after(a: i32, b: i32): bool {
  return b - a < 0;
}

/** Follow the segment at L4 of LENGTH bytes if it is an ordinary ACK of an established connection; false: untouched. */
export function followAck(record: usize, direction: i32, l4: usize, l4Length: i32): bool {
  if ((load<u8>(l4, 13) & ~TCP_PSH) !== TCP_ACK || load<i32>(record, TCP_STATE << 2) !== TcpState.ESTABLISHED)
    return false;
  const headerLength: i32 = (load<u8>(l4, 12) & 0xf0) >>> 2;
  if (headerLength !== TCP_LENGTH && (headerLength !== 32 || load<u32>(l4, 20) !== 0x0a080101)) return false;
  const sequence = load32(l4 + 4);
  const acknowledgment = load32(l4 + 8);
  const end = sequence + (l4Length - headerLength);
  const headerWindow = load16(l4 + 14);
  const sender = record + ((TCP_SIDE + direction * TCP_SIDE_WORDS) << 2);
  const receiver = record + ((TCP_SIDE + (1 - direction) * TCP_SIDE_WORDS) << 2);
  const senderEnd = load<i32>(sender, SIDE_END << 2);
  const senderMaxEnd = load<i32>(sender, SIDE_MAX_END << 2);
  const senderMaxWindow = load<i32>(sender, SIDE_MAX_WINDOW << 2);
  const senderOptions = load<i32>(sender, SIDE_OPTIONS << 2);
  const receiverEnd = load<i32>(receiver, SIDE_END << 2);
  const receiverMaxWindow = load<i32>(receiver, SIDE_MAX_WINDOW << 2);
  const ackWindow = <u32>senderMaxWindow < 66000 ? 66000 : senderMaxWindow;
  if (
    senderMaxWindow === 0 ||
    receiverMaxWindow === 0 ||
    after(sequence, senderMaxEnd) ||
    after(acknowledgment, receiverEnd) ||
    !after(end, senderEnd - receiverMaxWindow - 1) ||
    !after(acknowledgment, receiverEnd - ackWindow - 1)
  )
    return false;
  const window = headerWindow << (senderOptions >>> SCALE_SHIFT);
  if (<u32>senderMaxWindow < <u32>window) store<i32>(sender, window, SIDE_MAX_WINDOW << 2);
  let newOptions = senderOptions;
  if (after(end, senderEnd)) {
    store<i32>(sender, end, SIDE_END << 2);
    newOptions |= SideFlag.DATA_UNACKNOWLEDGED;
  }
  if ((senderOptions & SideFlag.MAX_ACK_SET) === 0 || after(acknowledgment, load<i32>(sender, SIDE_MAX_ACK << 2))) {
    store<i32>(sender, acknowledgment, SIDE_MAX_ACK << 2);
    newOptions |= SideFlag.MAX_ACK_SET;
  }
  if (newOptions !== senderOptions) store<i32>(sender, newOptions, SIDE_OPTIONS << 2);
  if (after(end, senderMaxEnd)) store<i32>(receiver, receiverMaxWindow + end - senderMaxEnd, SIDE_MAX_WINDOW << 2);
  const permitted = acknowledgment + window;
  if (!after(load<i32>(receiver, SIDE_MAX_END << 2), permitted)) {
    store<i32>(receiver, permitted + (window === 0 ? 1 : 0), SIDE_MAX_END << 2);
  }
  if (acknowledgment === receiverEnd) {
    store<i32>(receiver, load<i32>(receiver, SIDE_OPTIONS << 2) & ~SideFlag.DATA_UNACKNOWLEDGED, SIDE_OPTIONS << 2);
  }
  const last = load<i32>(record, LAST_WINDOW << 2);
  if (
    load<i32>(record, LAST_DIRECTION << 2) === direction &&
    load<i32>(record, LAST_SEQUENCE << 2) === sequence &&
    load<i32>(record, LAST_ACKNOWLEDGMENT << 2) === acknowledgment &&
    load<i32>(record, LAST_END << 2) === end &&
    (last & WINDOW_MASK) === headerWindow
  ) {
    store<i32>(record, headerWindow | ((((last >>> 16) + 1) & 0xff) << 16), LAST_WINDOW << 2);
  } else {
    store<i32>(record, direction, LAST_DIRECTION << 2);
    store<i32>(record, sequence, LAST_SEQUENCE << 2);
    store<i32>(record, acknowledgment, LAST_ACKNOWLEDGMENT << 2);
    store<i32>(record, end, LAST_END << 2);
    store<i32>(record, headerWindow, LAST_WINDOW << 2);
  }
  store<i32>(record, SegmentKind.ACK, LAST_KIND << 2);
  account(record, direction, l4Length + IPV4_LENGTH);
  store<f64>(
    record,
    load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3) + timeoutMs(record, TcpState.ESTABLISHED),
    EXPIRES_MS_F64 << 3,
  );
  return true;
}

/** How long a connection in STATE lives after a segment that is no RST. */
function timeoutMs(record: usize, state: i32): f64 {
  const stateMs = setting(SETTING_TCP_MS_F64 + state);
  const retransmittedMs = setting(SETTING_RETRANSMITTED_MS_F64);
  const lastWindow = load<u32>(record, LAST_WINDOW << 2);
  if (<f64>(lastWindow >>> RETRANSMISSIONS_SHIFT) >= setting(SETTING_MAX_RETRANS_F64) && stateMs > retransmittedMs) {
    return retransmittedMs;
  }
  const options =
    load<i32>(record, (TCP_SIDE + SIDE_OPTIONS) << 2) |
    load<i32>(record, (TCP_SIDE + TCP_SIDE_WORDS + SIDE_OPTIONS) << 2);
  const unacknowledgedMs = setting(SETTING_UNACKNOWLEDGED_MS_F64);
  if ((options & SideFlag.DATA_UNACKNOWLEDGED) !== 0 && stateMs > unacknowledgedMs) return unacknowledgedMs;
  if ((lastWindow & WINDOW_MASK) === 0 && stateMs > retransmittedMs) return retransmittedMs;
  return stateMs;
}

function setting(index: usize): f64 {
  return load<f64>(SETTINGS_AT + (index << 3));
}

/** Count a packet of LENGTH bytes (nf_conntrack_acct). */
function account(record: usize, direction: i32, length: i32): void {
  const at = record + direction * (ACCOUNTING_STRIDE_F64 << 3);
  store<f64>(at, load<f64>(at, PACKETS_F64 << 3) + 1, PACKETS_F64 << 3);
  store<f64>(at, load<f64>(at, BYTES_F64 << 3) + <f64>length, BYTES_F64 << 3);
}

/** Follow a packet of LENGTH bytes of an ASSURED flow of UDP, as UdpTracker.update would (core/conntrack/udp.ts). */
export function followStream(record: usize, direction: i32, length: i32): void {
  account(record, direction, length);
  const nowMs = load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3);
  store<f64>(record, nowMs + setting(SETTING_UDP_STREAM_MS_F64), EXPIRES_MS_F64 << 3);
}

export function isOrdinaryAck(record: usize, direction: i32, l4: usize, l4Length: i32): bool {
  if ((load<u8>(l4, 13) & ~TCP_PSH) !== TCP_ACK || load<i32>(record, TCP_STATE << 2) !== TcpState.ESTABLISHED)
    return false;
  const headerLength: i32 = (load<u8>(l4, 12) & 0xf0) >>> 2;
  if (headerLength !== TCP_LENGTH && (headerLength !== 32 || load<u32>(l4, 20) !== 0x0a080101)) return false;
  const sequence = load32(l4 + 4);
  const acknowledgment = load32(l4 + 8);
  const end = sequence + (l4Length - headerLength);
  const sender = record + ((TCP_SIDE + direction * TCP_SIDE_WORDS) << 2);
  const receiver = record + ((TCP_SIDE + (1 - direction) * TCP_SIDE_WORDS) << 2);
  const senderEnd = load<i32>(sender, SIDE_END << 2);
  const senderMaxEnd = load<i32>(sender, SIDE_MAX_END << 2);
  const senderMaxWindow = load<i32>(sender, SIDE_MAX_WINDOW << 2);
  const receiverEnd = load<i32>(receiver, SIDE_END << 2);
  const receiverMaxWindow = load<i32>(receiver, SIDE_MAX_WINDOW << 2);
  const ackWindow = <u32>senderMaxWindow < 66000 ? 66000 : senderMaxWindow;
  return !(
    senderMaxWindow === 0 ||
    receiverMaxWindow === 0 ||
    after(sequence, senderMaxEnd) ||
    after(acknowledgment, receiverEnd) ||
    !after(end, senderEnd - receiverMaxWindow - 1) ||
    !after(acknowledgment, receiverEnd - ackWindow - 1)
  );
}

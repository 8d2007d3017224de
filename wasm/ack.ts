import {
  ACCOUNTING_STRIDE_F64,
  BYTES_F64,
  CONTROL_AT,
  CONTROL_NOW_MS_F64,
  EXPIRES_MS_F64,
  LAST_ACKNOWLEDGMENT,
  LAST_DIRECTION,
  LAST_END,
  LAST_KIND,
  LAST_SEQUENCE,
  LAST_WINDOW,
  PACKETS_F64,
  SCALE_SHIFT,
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
  const accounting = record + direction * (ACCOUNTING_STRIDE_F64 << 3);
  store<f64>(accounting, load<f64>(accounting, PACKETS_F64 << 3) + 1, PACKETS_F64 << 3);
  store<f64>(accounting, load<f64>(accounting, BYTES_F64 << 3) + <f64>(l4Length + 20), BYTES_F64 << 3);
  // TODO timeouts
  store<f64>(record, load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3) + 432000000.0, EXPIRES_MS_F64 << 3);
  return true;
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

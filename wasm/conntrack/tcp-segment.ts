// Reads TCP segments, one at a time, into the variables of this module. `readSegment` sets all of them.
import {
  SCALE_MASK,
  SCALE_SHIFT,
  SEGMENT_SHIFT,
  SegmentKind,
  SideFlag,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  TCP_WINDOW_AT,
} from '../constants';
import { load16, load32 } from '../flow/packet';

/** Option kinds (RFC 9293, section 3.1; RFC 7323, section 2.2; RFC 2018, sections 2 and 3). */
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;

/** The MSS of a SYN that announces none (RFC 9293, section 3.7.1). */
const DEFAULT_MSS = 536;
/** The largest allowed shift (RFC 7323, section 2.3). */
const MAX_SCALE = 14;
/** A SACK block: left edge and right edge. */
const SACK_BLOCK_LENGTH = 8;
/** NOP, NOP, timestamp, 10 (RFC 7323, appendix A), loaded little-endian: the options in most segments. */
const TIMESTAMP_OPTIONS: u32 = 0x0a080101;
const TIMESTAMP_HEADER_LENGTH = 32;

export let flags = 0;
/** A `SegmentKind`. */
export let kind = 0;
/** Compare sequence numbers with `before` and `after`. */
export let sequence = 0;
export let acknowledgment = 0;
/** The sequence number after the segment. SYN and FIN each count as one (RFC 9293: SEG.SEQ + SEG.LEN). */
export let end = 0;
/** The unscaled window field. */
export let window = 0;
let optionsAt: usize = 0;
let optionsEnd: usize = 0;
/** A snaplen has truncated the options. */
let isCut = false;

/** Whether sequence number A is before B, modulo 2^32 (RFC 9293, section 3.4). */
export function before(a: i32, b: i32): bool {
  return a - b < 0;
}

/** Whether sequence number A is after B. */
export function after(a: i32, b: i32): bool {
  return b - a < 0;
}

/** The header length including options, in bytes. */
export function headerLengthOf(l4: usize): i32 {
  return (load<u8>(l4, TCP_DATA_OFFSET_AT) >>> 4) << 2;
}

/** The kind of segment with these flags. RST takes precedence over SYN, and SYN over FIN. */
export function kindOf(bits: i32): i32 {
  if ((bits & (TCP_RST | TCP_SYN | TCP_FIN)) === 0) return (bits & TCP_ACK) !== 0 ? SegmentKind.ACK : SegmentKind.OTHER;
  if ((bits & TCP_RST) !== 0) return SegmentKind.RST;
  if ((bits & TCP_SYN) !== 0) return (bits & TCP_ACK) !== 0 ? SegmentKind.SYN_ACK : SegmentKind.SYN;
  return SegmentKind.FIN;
}

/** Reads the valid segment of LENGTH bytes at L4, of which AVAILABLE are present. */
export function readSegment(l4: usize, length: i32, available: i32): void {
  const headerLength = headerLengthOf(l4);
  flags = load<u8>(l4, TCP_FLAGS_AT);
  kind = kindOf(flags);
  sequence = load32(l4 + TCP_SEQUENCE_AT);
  acknowledgment = load32(l4 + TCP_ACKNOWLEDGMENT_AT);
  end = sequence + length - headerLength + ((flags & TCP_SYN) >>> 1) + (flags & TCP_FIN);
  window = load16(l4 + TCP_WINDOW_AT);
  optionsAt = l4 + TCP_LENGTH;
  isCut = available < headerLength;
  optionsEnd = l4 + min(headerLength, available);
}

/** Whether there are any options, including padding. */
export function hasOptions(): bool {
  return optionsEnd > optionsAt;
}

/** Whether there may be options other than a timestamp. */
export function hasUnusualOptions(l4: usize): bool {
  const length = headerLengthOf(l4);
  if (length === TCP_LENGTH) return false;
  return length !== TIMESTAMP_HEADER_LENGTH || load<u32>(l4, TCP_LENGTH) !== TIMESTAMP_OPTIONS;
}

/**
 * Reads the options that are only sent in SYNs, in the format of `TcpSide.options`: window scaling and the shift, SACK
 * permitted, and the MSS.
 */
export function handshakeOptions(): i32 {
  let options = isCut ? 0 : DEFAULT_MSS << SEGMENT_SHIFT;
  let length: i32 = 0;
  for (let at = optionsAt; at < optionsEnd; at += length) {
    const option = load<u8>(at);
    length = optionLength(at);
    if (length === 0) return options;
    if (option === WINDOW_SCALE && length === 3) {
      const scale = min(<i32>load<u8>(at, 2), MAX_SCALE);
      options = (options & ~SCALE_MASK) | SideFlag.WINDOW_SCALE | (scale << SCALE_SHIFT);
    } else if (option === SACK_PERMITTED && length === 2) {
      options |= SideFlag.SACK_PERMITTED;
    } else if (option === MAXIMUM_SEGMENT_SIZE && length === 4) {
      options = (options & ~(-1 << SEGMENT_SHIFT)) | (load16(at + 2) << SEGMENT_SHIFT);
    }
  }
  return options;
}

/** The highest right edge of the SACK blocks, or the acknowledgment if none is after it. */
export function acknowledgedUpTo(): i32 {
  let highest = acknowledgment;
  let length: i32 = 0;
  for (let at = optionsAt; at < optionsEnd; at += length) {
    const option = load<u8>(at);
    length = optionLength(at);
    if (length === 0) return highest;
    if (option !== SACK || length < 2 + SACK_BLOCK_LENGTH || (length - 2) % SACK_BLOCK_LENGTH !== 0) continue;
    for (let block = at + 2; block < at + length; block += SACK_BLOCK_LENGTH) {
      const rightEdge = load32(block + 4);
      if (after(rightEdge, highest)) highest = rightEdge;
    }
    return highest;
  }
  return highest;
}

/** The length of the option at AT in bytes, or 0 if it ends the list or does not fit. */
function optionLength(at: usize): i32 {
  const option = load<u8>(at);
  if (option === NO_OPERATION) return 1;
  if (option === END_OF_OPTIONS || at + 1 >= optionsEnd) return 0;
  const length = <i32>load<u8>(at, 1);
  return length < 2 || at + length > optionsEnd ? 0 : length;
}

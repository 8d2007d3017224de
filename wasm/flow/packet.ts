// Fields of packets, and checksums (RFC 1071).
import { IPV4_DESTINATION_AT, IPV4_LENGTH, IPV4_PROTOCOL_AT, IPV4_SOURCE_AT, IPV4_TOTAL_LENGTH_AT } from '../constants';

const PORT_BYTES = 2;

/** A 16-bit field in network order. */
export function load16(at: usize): i32 {
  return <i32>bswap<u16>(load<u16>(at));
}

/** A 32-bit field in network order. */
export function load32(at: usize): i32 {
  return bswap<i32>(load<i32>(at));
}

/** The total length of the IPv4 packet at AT. */
export function totalLength(at: usize): i32 {
  return load16(at + IPV4_TOTAL_LENGTH_AT);
}

/** The protocol of the IPv4 packet at AT. */
export function protocolOf(at: usize): i32 {
  return load<u8>(at, IPV4_PROTOCOL_AT);
}

/** Its addresses, as loaded. */
export function sourceOf(at: usize): i32 {
  return load<i32>(at, IPV4_SOURCE_AT);
}

export function destinationOf(at: usize): i32 {
  return load<i32>(at, IPV4_DESTINATION_AT);
}

/** Both ports, as loaded, in a packet with a 20-byte header: the source port in the lower half. */
export function portsOf(at: usize): i32 {
  return load<i32>(at, IPV4_LENGTH);
}

/** One of the two ports, in host order. */
export function sportOf(at: usize): i32 {
  return load16(at + IPV4_LENGTH);
}

export function dportOf(at: usize): i32 {
  return load16(at + IPV4_LENGTH + PORT_BYTES);
}

/** Folds the carries of SUM, which is below 2^32, into 16 bits. */
export function fold(sum: u32): u32 {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** Folds a 64-bit sum into 16 bits. */
export function fold64(sum: u64): u32 {
  const once = (sum & 0xffffffff) + (sum >>> 32);
  const twice = (once & 0xffffffff) + (once >>> 32);
  return fold(<u32>twice);
}

/** From this length, sums are computed sixteen bytes at a time. */
const WIDE_BYTES = 128;

/**
 * The ones' complement sum of LENGTH bytes at AT, as little-endian 16-bit words (RFC 1071, section 2(B)), not yet
 * folded. Up to seven bytes after the last one are loaded and ignored.
 */
export function sumWords(at: usize, length: i32): u64 {
  let sum: u64 = 0;
  let left = length;
  let position = at;
  if (left >= WIDE_BYTES) {
    let low = i32x4.splat(0);
    let high = i32x4.splat(0);
    for (; left >= 32; left -= 32, position += 32) {
      low = i32x4.add(low, i32x4.extadd_pairwise_i16x8_u(v128.load(position)));
      high = i32x4.add(high, i32x4.extadd_pairwise_i16x8_u(v128.load(position, 16)));
    }
    // At most 2,048 rounds of at most 2 × 65,535 per lane, so no lane overflows.
    const wide = i64x2.add(
      i64x2.add(i64x2.extend_low_i32x4_u(low), i64x2.extend_high_i32x4_u(low)),
      i64x2.add(i64x2.extend_low_i32x4_u(high), i64x2.extend_high_i32x4_u(high)),
    );
    sum = <u64>i64x2.extract_lane(wide, 0) + <u64>i64x2.extract_lane(wide, 1);
  }
  for (; left >= 8; left -= 8, position += 8) {
    const eight = load<u64>(position);
    sum += (eight & 0xffffffff) + (eight >>> 32);
  }
  if (left > 0) {
    const rest = load<u64>(position) & (((<u64>1) << (left << 3)) - 1);
    sum += (rest & 0xffffffff) + (rest >>> 32);
  }
  return sum;
}

// What can be said of a packet by itself: whether it is of the plain kind that the fast way deals with, and its checksums.
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_LENGTH,
  TCP_LENGTH,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from './constants';

/** Version 4, a header of 20 bytes. */
const PLAIN_HEADER: u32 = 0x45;
/** In the second word of the IP header, as loaded little-endian: MF, the reserved bit, and the fragment offset. */
const FRAGMENT_BITS: u32 = 0xffbf0000;

/** Whether the host looks at layer-4 checksums (nf_conntrack_checksum). */
let looksAtChecksums = true;

export function setChecksums(on: bool): void {
  looksAtChecksums = on;
}

/** A 16-bit field in network order. */
export function load16(at: usize): i32 {
  return <i32>bswap<u16>(load<u16>(at));
}

/** A 32-bit field in network order. */
export function load32(at: usize): i32 {
  return bswap<i32>(load<i32>(at));
}

/** Total length of the IPv4 packet at AT. */
export function totalLength(at: usize): i32 {
  return load16(at + 2);
}

/** SUM with its carries folded in: 16 bits. SUM is below 2^32. */
export function fold(sum: u32): u32 {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** A sum of 64 bits, folded to one of 16. */
function fold64(sum: u64): u32 {
  const once = (sum & 0xffffffff) + (sum >>> 32);
  const twice = (once & 0xffffffff) + (once >>> 32);
  return fold(<u32>twice);
}

/** From this length on, sums are made sixteen bytes at a time. */
const WIDE_BYTES = 128;

/**
 * The one's complement sum of LENGTH bytes from AT on, as little-endian 16-bit words (RFC 1071, section 2(B)), in parts that
 * are not folded yet. What is behind the last byte is loaded as well, and left out.
 */
function sumWords(at: usize, length: i32): u64 {
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
    // At most 2,048 rounds of at most 2 x 65,535 a lane: no lane overflows.
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

/**
 * Whether the fast way may deal with the IPv4 packet at AT, of which CAPTURED bytes are there, as far as that is for the packet
 * to say: whole, plain header, TTL to spare, TCP or UDP with a whole header and right checksums.
 */
export function isPlain(at: usize, captured: i32): bool {
  if (captured < IPV4_LENGTH + UDP_LENGTH) return false;
  const first = load<u32>(at);
  const second = load<u32>(at, 4);
  const third = load<u32>(at, 8);
  if ((first & 0xff) !== PLAIN_HEADER || (second & FRAGMENT_BITS) !== 0 || (third & 0xff) <= 1) return false;
  const length = <i32>(((first >>> 8) & 0xff00) | (first >>> 24));
  if (length > captured) return false;
  const addresses = <u64>load<u32>(at, 12) + <u64>load<u32>(at, 16);
  if (fold64(addresses + <u64>first + <u64>second + <u64>third) !== 0xffff) return false;

  const l4 = at + IPV4_LENGTH;
  const l4Length = length - IPV4_LENGTH;
  const protocol = <i32>((third >>> 8) & 0xff);
  if (protocol === IPPROTO_TCP) {
    if (l4Length < TCP_LENGTH) return false;
    const headerLength: i32 = (load<u8>(l4, 12) & 0xf0) >>> 2;
    if (headerLength < TCP_LENGTH || headerLength > l4Length) return false;
  } else if (protocol === IPPROTO_UDP) {
    const announced = load16(l4 + UDP_LENGTH_AT);
    if (length < IPV4_LENGTH + UDP_LENGTH || announced < UDP_LENGTH || announced > l4Length) return false;
    if (load<u16>(l4, UDP_CHECKSUM_AT) === 0) return true;
  } else {
    return false;
  }
  if (!looksAtChecksums) return true;
  const pseudoHeader = addresses + <u64>((protocol << 8) + ((l4Length & 0xff) << 8) + (l4Length >>> 8));
  return fold64(pseudoHeader + sumWords(l4, l4Length)) === 0xffff;
}

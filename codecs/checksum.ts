/** The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
import { IPV4_DESTINATION_AT, IPV4_SOURCE_AT } from './layouts.js';

/** Folds the carries of SUM into 16 bits. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * The one's complement sum of LENGTH bytes of VIEW from AT on, as little-endian 16-bit words, folded; an odd last byte
 * counts as the lower half of a word. LENGTH: up to 65535. Little-endian words load fastest, and whether a sum is
 * 0xffff does not depend on the byte order (RFC 1071, section 2(B)).
 */
export function sumWords(view: DataView, at: number, length: number): number {
  const end = at + length;
  let low = 0;
  let high = 0;
  let position = at;
  for (const blocks = at + (length & ~15); position < blocks; position += 16) {
    const a = view.getInt32(position, true);
    const b = view.getInt32(position + 4, true);
    const c = view.getInt32(position + 8, true);
    const d = view.getInt32(position + 12, true);
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
  }
  for (; position + 3 < end; position += 4) {
    const words = view.getInt32(position, true);
    low += words & 0xffff;
    high += words >>> 16;
  }
  if (position + 1 < end) {
    low += view.getUint16(position, true);
    position += 2;
  }
  if (position < end) low += view.getUint8(position);
  return fold(fold(low) + fold(high));
}

/**
 * The one's complement sum of LENGTH bytes of VIEW from AT on, as big-endian 16-bit words, added to SUM (below 2^30);
 * an odd last byte counts as the upper half of a word. Neither folded nor complemented. LENGTH: up to 65535.
 */
export function sumBytes(view: DataView, at: number, length: number, sum = 0): number {
  const swapped = sumWords(view, at, length);
  return sum + ((swapped & 0xff) << 8) + (swapped >>> 8);
}

/** The checksum of LENGTH bytes of VIEW from AT on: 0 if they include a correct checksum (RFC 1071). */
export function internetChecksum(view: DataView, at: number, length: number, sum = 0): number {
  return ~fold(sumBytes(view, at, length, sum)) & 0xffff;
}

/**
 * Whether the ICMP message of LENGTH bytes at AT has a correct checksum (RFC 792). An all-zero message counts as
 * correct: the kernel adds up the IP header as well, so it never sees a sum of zero (nf_ip_checksum).
 */
export function isIcmpChecksumRight(view: DataView, at: number, length: number): boolean {
  const sum = fold(sumBytes(view, at, length));
  return sum === 0xffff || sum === 0;
}

/**
 * The sum of the pseudo header (RFC 9293, section 3.1; RFC 768) of the IPv4 header at AT, for a segment of
 * SEGMENT_LENGTH bytes of PROTOCOL.
 */
export function pseudoHeaderSum(view: DataView, at: number, protocol: number, segmentLength: number): number {
  return (
    view.getUint16(at + IPV4_SOURCE_AT) +
    view.getUint16(at + IPV4_SOURCE_AT + 2) +
    view.getUint16(at + IPV4_DESTINATION_AT) +
    view.getUint16(at + IPV4_DESTINATION_AT + 2) +
    protocol +
    segmentLength
  );
}

/**
 * How much the complement of a checksum changes when words with the sum OLD_SUM are replaced by words with the sum
 * NEW_SUM, both unfolded 16-bit sums (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). Deltas can be added up.
 */
export function checksumDelta(oldSum: number, newSum: number): number {
  return (~fold(oldSum) & 0xffff) + fold(newSum);
}

/** CHECKSUM after a change by DELTA (below 2^30). */
export function applyDelta(checksum: number, delta: number): number {
  return ~fold((~checksum & 0xffff) + delta) & 0xffff;
}

/** CHECKSUM after words with the sum OLD_SUM were replaced by words with the sum NEW_SUM, see `checksumDelta`. */
export function updateChecksum(checksum: number, oldSum: number, newSum: number): number {
  return applyDelta(checksum, checksumDelta(oldSum, newSum));
}

/** The sum of the two 16-bit words, in network order, of ADDRESS, which is loaded little-endian. */
export function addressSum(address: number): number {
  return (((address & 0xff) << 8) | ((address >>> 8) & 0xff)) + (((address >>> 8) & 0xff00) | (address >>> 24));
}

/**
 * The checksum of the TCP, UDP or UDP-Lite segment (SEGMENT_LENGTH bytes at L4) in the IPv4 packet at AT: 0 if the
 * checksum in the segment is correct. SUMMED: how many bytes the sum covers (all of them except in UDP-Lite).
 */
export function transportChecksum(
  view: DataView,
  at: number,
  l4: number,
  protocol: number,
  segmentLength: number,
  summed = segmentLength,
): number {
  return internetChecksum(view, l4, summed, pseudoHeaderSum(view, at, protocol, segmentLength));
}

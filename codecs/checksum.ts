/** The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */

/** SUM with its carries folded in: 16 bits. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * The one's complement sum of LENGTH bytes of VIEW from AT on, as big-endian 16-bit words, added to SUM (at most 2^21);
 * an odd last byte counts as the upper half of a word. Not folded, not complemented. LENGTH up to 65535.
 */
export function sumBytes(view: DataView, at: number, length: number, sum = 0): number {
  const end = at + length;
  let position = at;
  for (; position + 1 < end; position += 2) sum += view.getUint16(position);
  if (position < end) sum += view.getUint8(position) << 8;
  return (sum & 0xffff) + Math.floor(sum / 0x10000);
}

/** The checksum field of LENGTH bytes of VIEW from AT on: 0 where a correct checksum lies within them (RFC 1071). */
export function internetChecksum(view: DataView, at: number, length: number, sum = 0): number {
  return ~fold(sumBytes(view, at, length, sum)) & 0xffff;
}

/**
 * The sum of the pseudo header (RFC 9293, section 3.1; RFC 768) of the IPv4 header at AT, for a segment of
 * SEGMENT_LENGTH bytes of PROTOCOL.
 */
export function pseudoHeaderSum(view: DataView, at: number, protocol: number, segmentLength: number): number {
  return (
    view.getUint16(at + 12) +
    view.getUint16(at + 14) +
    view.getUint16(at + 16) +
    view.getUint16(at + 18) +
    protocol +
    segmentLength
  );
}

/**
 * CHECKSUM after words that summed up to OLD were replaced by words that sum up to NEW, both unfolded 16-bit sums
 * (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')).
 */
export function updateChecksum(checksum: number, oldSum: number, newSum: number): number {
  return ~fold((~checksum & 0xffff) + (~fold(oldSum) & 0xffff) + fold(newSum)) & 0xffff;
}

/** The sum of the two 16-bit words of ADDRESS, which is as loaded little-endian, in network byte order. */
export function addressSum(address: number): number {
  return (((address & 0xff) << 8) | ((address >>> 8) & 0xff)) + (((address >>> 8) & 0xff00) | (address >>> 24));
}

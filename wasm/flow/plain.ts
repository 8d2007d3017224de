// Whether a packet is of the plain kind that the fast path deals with, as far as that is for the packet itself to say.

import { tcpIsValid } from '../conntrack/tcp';
import { IPPROTO_TCP, IPPROTO_UDP, IPV4_LENGTH, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../constants';
import { fold64, load16, sumWords } from './packet';

/** Version 4, a header of 20 bytes. */
const PLAIN_HEADER: u32 = 0x45;
/** In the second word of the IP header, as loaded little-endian: MF, the reserved bit, and the fragment offset. */
const FRAGMENT_BITS: u32 = 0xffbf0000;

/** Whether the host looks at layer-4 checksums (nf_conntrack_checksum). */
let looksAtChecksums = true;

export function setChecksums(on: bool): void {
  looksAtChecksums = on;
}

/**
 * Whether the fast path may deal with the IPv4 packet at AT, of which CAPTURED bytes are there, as far as that is for the packet
 * to say: whole, plain header, TTL to spare, TCP or UDP with a valid header and right checksums.
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
    if (!tcpIsValid(l4, l4Length, l4Length)) return false;
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

// Whether a packet is plain: whether the fast path can handle it, judging by the packet alone.

import { tcpIsValid } from '../conntrack/tcp';
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DESTINATION_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TTL_AT,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../constants';
import { checksumOffset, correctionOf, finishesChecksums, verifiesChecksums } from './offload';
import { fold64, load16, sumWords } from './packet';

/** Version 4 and a header of 20 bytes. */
const PLAIN_HEADER: u32 = 0x45;
/**
 * Bits of the second word of the IP header (identification and fragmentation), as loaded: MF, the reserved bit and the
 * offset.
 */
const FRAGMENT_BITS: u32 = 0xffbf0000;

/** What finishes the checksum of the last plain packet (`finish`); 0: it needs nothing. */
export let correction: u32 = 0;

/**
 * Whether the fast path can handle the IPv4 packet at AT, of which CAPTURED bytes are present, judging by the packet
 * alone: it is complete, its header has no options, its TTL is above 1, and it is TCP or UDP with a valid header and
 * correct checksums, or an unfinished one that it may finish (`correction`).
 */
export function isPlain(at: usize, captured: i32): bool {
  correction = 0;
  if (captured < IPV4_LENGTH + UDP_LENGTH) return false;
  const first = load<u32>(at);
  const second = load<u32>(at, IPV4_ID_AT);
  const third = load<u32>(at, IPV4_TTL_AT);
  if ((first & 0xff) !== PLAIN_HEADER || (second & FRAGMENT_BITS) !== 0 || (third & 0xff) <= 1) return false;
  const length = <i32>(((first >>> 8) & 0xff00) | (first >>> 24));
  if (length > captured) return false;
  const addresses = <u64>load<u32>(at, IPV4_SOURCE_AT) + <u64>load<u32>(at, IPV4_DESTINATION_AT);
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
  const pseudoHeader = addresses + <u64>((protocol << 8) + ((l4Length & 0xff) << 8) + (l4Length >>> 8));
  if (verifiesChecksums && fold64(pseudoHeader + sumWords(l4, l4Length)) === 0xffff) return true;
  return (finishesChecksums && isUnfinished(at, protocol, l4Length, pseudoHeader)) || !verifiesChecksums;
}

/**
 * Whether the checksum of the packet at AT is unfinished: whether it is the sum of the PSEUDO_HEADER and needs anything
 * else. If so, sets `correction`.
 */
function isUnfinished(at: usize, protocol: i32, l4Length: i32, pseudoHeader: u64): bool {
  const field = <u32>load<u16>(at + checksumOffset(protocol));
  if (field !== fold64(pseudoHeader)) return false;
  const sum = fold64(pseudoHeader + sumWords(at + IPV4_LENGTH, l4Length));
  if (sum === 0xffff) return false;
  correction = correctionOf(field, sum);
  return true;
}

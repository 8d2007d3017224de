// What becomes of a packet once its path is known: it is counted, translated, and gets the Ethernet header that it leaves with.
import {
  FAST_DELTAS,
  IPPROTO_TCP,
  IPV4_LENGTH,
  NAT_MASK,
  ORIGINAL,
  ORIGINAL_TUPLE,
  PATH_BYTES_AT,
  PATH_LINK_AT,
  PATH_PACKETS_AT,
  PATH_STRIDE,
  PATHS_AT,
  REPLY_TUPLE,
  STATUS,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from '../constants';
import { fold } from './packet';

/** The packet is not for the fast path, and nothing has been done. */
export const UPCALL = -1;

/** What one less in TTL adds to the header's little-endian one's complement sum. */
const TTL_DELTA: u32 = 0xfffe;

/** Where PATH is written down (core/flow/path.ts). */
export function pathAddress(path: i32): usize {
  return PATHS_AT + <usize>path * PATH_STRIDE;
}

/** Where the tuple of the direction is that is not DIRECTION: what packets of DIRECTION become, turned round. */
export function otherTuple(record: usize, direction: i32): usize {
  return record + (direction === ORIGINAL ? REPLY_TUPLE << 2 : ORIGINAL_TUPLE << 2);
}

/** Count the packet at AT on its path, and make of it what leaves. */
export function leave(at: usize, pathAt: usize, record: usize, direction: i32, length: i32): void {
  store<f64>(pathAt, load<f64>(pathAt, PATH_PACKETS_AT) + 1, PATH_PACKETS_AT);
  store<f64>(pathAt, load<f64>(pathAt, PATH_BYTES_AT) + <f64>length, PATH_BYTES_AT);
  rewrite(at, record, direction, load<u8>(at, 9) === IPPROTO_TCP);
  store<u64>(at - 14, load<u64>(pathAt, PATH_LINK_AT));
  store<u32>(at - 6, load<u32>(pathAt, PATH_LINK_AT + 8));
  store<u16>(at - 2, load<u16>(pathAt, PATH_LINK_AT + 12));
}

/** One less in TTL, and both ends as the connection's other direction has them; checksums follow (RFC 1624). */
function rewrite(at: usize, record: usize, direction: i32, isTcp: bool): void {
  const third = load<u32>(at, 8);
  let headerDelta = TTL_DELTA;
  if ((load<i32>(record, STATUS << 2) & NAT_MASK) !== 0) {
    const other = otherTuple(record, direction);
    const deltas = load<u32>(record + (direction << 2), FAST_DELTAS << 2);
    headerDelta += deltas >>> 16;
    store<u64>(at, rotl<u64>(load<u64>(other), 32), 12);
    store<u32>(at, rotl<u32>(load<u32>(other, 8), 16), IPV4_LENGTH);
    const checksumAt = at + IPV4_LENGTH + (isTcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
    const checksum = <u32>load<u16>(checksumAt);
    if (isTcp || checksum !== 0) {
      const updated = ~fold((~checksum & 0xffff) + (deltas & 0xffff)) & 0xffff;
      store<u16>(checksumAt, updated === 0 && !isTcp ? 0xffff : updated);
    }
  }
  const checksum = ~fold((~(third >>> 16) & 0xffff) + headerDelta) & 0xffff;
  store<u32>(at, ((third - 1) & 0xffff) | (checksum << 16), 8);
}

/** FAST_DELTAS of a direction: what its translation adds to the sums of the IP header and of layer 4. */
export function noteDeltas(record: usize, direction: i32): void {
  const own = record + (direction === ORIGINAL ? ORIGINAL_TUPLE << 2 : REPLY_TUPLE << 2);
  const other = otherTuple(record, direction);
  const addresses = difference(load<u32>(own), load<u32>(other, 4)) + difference(load<u32>(own, 4), load<u32>(other));
  const ports = difference(load<u32>(own, 8), load<u32>(other, 8));
  store<u32>(record + (direction << 2), (fold(addresses) << 16) | fold(addresses + ports), FAST_DELTAS << 2);
}

/** The one's complement sum of the halves of AFTER less those of BEFORE. */
function difference(before: u32, after: u32): u32 {
  return (~before & 0xffff) + (~before >>> 16) + (after & 0xffff) + (after >>> 16);
}

// The way of most packets: of a known connection, along a path that the packet before it took. What it promises stands in
// core/fast/fast-way.ts.
import {
  CONTROL_AT,
  CONTROL_NOW_MS_F64,
  EXPIRES_MS_F64,
  FAST_DELTAS,
  FAST_PATH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  NAT_MASK,
  ORIGINAL_TUPLE,
  PATH_ASKS_AT,
  PATH_BYTES_AT,
  PATH_IN_DEV_AT,
  PATH_LINK_AT,
  PATH_MTU_AT,
  PATH_PACKETS_AT,
  PATH_STRIDE,
  PATHS_AT,
  REPLY_TUPLE,
  STATUS,
  TCP_CHECKSUM_AT,
  UDP_CHECKSUM_AT,
} from './constants';
import { ask } from './host';
import { fold, totalLength } from './packet';
import { isPlain } from './plain';
import { lookUp, recordAt } from './table';
import { tcpFollow, tcpIsOrdinary } from './tcp';
import { udpUpdate } from './udp';

/** The packet is not for the fast way, and nothing has been done. */
export const NOT_FAST = -1;

/** What one less in TTL adds to the header's little-endian one's complement sum. */
const TTL_DELTA: u32 = 0xfffe;

export function forward(at: usize, captured: i32, dev: i32): i32 {
  if (!isPlain(at, captured)) return NOT_FAST;
  const protocol = load<u8>(at, 9);
  const reference = lookUp(load<i32>(at, 12), load<i32>(at, 16), load<i32>(at, IPV4_LENGTH), protocol);
  return reference < 0 ? NOT_FAST : forwardFound(at, dev, reference);
}

/** The same for a packet that is plain, whose connection is known. */
export function forwardFound(at: usize, dev: i32, reference: i32): i32 {
  const direction = reference & 1;
  const record = recordAt(reference >>> 1);
  const path = load<i32>(record + (direction << 2), FAST_PATH << 2) - 1;
  if (path < 0) return NOT_FAST;
  const length = totalLength(at);
  const pathAt: usize = PATHS_AT + <usize>path * PATH_STRIDE;
  if (load<i32>(pathAt, PATH_IN_DEV_AT) !== dev || length > load<i32>(pathAt, PATH_MTU_AT)) return NOT_FAST;
  if (load<f64>(record, EXPIRES_MS_F64 << 3) <= load<f64>(CONTROL_AT, CONTROL_NOW_MS_F64 << 3)) return NOT_FAST;
  const isTcp = load<u8>(at, 9) === IPPROTO_TCP;
  if (isTcp && !tcpIsOrdinary(record, direction, at + IPV4_LENGTH, length - IPV4_LENGTH)) return NOT_FAST;
  // Some count how often they are asked: from here on nothing but the answers stands in the way.
  if (load<i32>(pathAt, PATH_ASKS_AT) !== 0 && ask(path, <i32>at, reference >>> 1, direction) === 0) return NOT_FAST;
  if (isTcp) tcpFollow(record, direction, length);
  else udpUpdate(reference >>> 1, direction, length);
  store<f64>(pathAt, load<f64>(pathAt, PATH_PACKETS_AT) + 1, PATH_PACKETS_AT);
  store<f64>(pathAt, load<f64>(pathAt, PATH_BYTES_AT) + <f64>length, PATH_BYTES_AT);
  rewrite(at, record, direction, isTcp);
  store<u64>(at - 14, load<u64>(pathAt, PATH_LINK_AT));
  store<u32>(at - 6, load<u32>(pathAt, PATH_LINK_AT + 8));
  store<u16>(at - 2, load<u16>(pathAt, PATH_LINK_AT + 12));
  return path;
}

/** One less in TTL, and both ends as the connection's other direction has them; checksums follow (RFC 1624). */
function rewrite(at: usize, record: usize, direction: i32, isTcp: bool): void {
  const third = load<u32>(at, 8);
  let headerDelta = TTL_DELTA;
  if ((load<i32>(record, STATUS << 2) & NAT_MASK) !== 0) {
    const other = record + (direction === 0 ? REPLY_TUPLE << 2 : ORIGINAL_TUPLE << 2);
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

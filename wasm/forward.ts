// The way of most packets: of a known connection, along a path that the packet before it took. What it promises stands in
// core/fast/fast-way.ts.
import { nowMs } from './account';
import { classOf, hasClasses } from './classes';
import {
  CLASS_MASQUERADE_DEV,
  CLASS_NEW_DESTINATION,
  CLASS_NEW_DPORT,
  CLASS_NEW_SOURCE,
  CLASS_PATH,
  CLASS_PLAN,
  EXPIRES_MS_F64,
  FAST_DELTAS,
  FAST_PATH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  MASQUERADE_DEV,
  NAT_MASK,
  ORIGINAL,
  ORIGINAL_TUPLE,
  PATH_ASKS_AT,
  PATH_BYTES_AT,
  PATH_IN_DEV_AT,
  PATH_LINK_AT,
  PATH_MTU_AT,
  PATH_OUT_DEV_AT,
  PATH_PACKETS_AT,
  PATH_STRIDE,
  PATHS_AT,
  Phase,
  PlanFlag,
  REPLY,
  REPLY_TUPLE,
  SegmentKind,
  STATUS,
  Status,
  TCP_CHECKSUM_AT,
  TCP_FLAGS_AT,
  UDP_CHECKSUM_AT,
} from './constants';
import { ask } from './host';
import { fold, load16, load32, totalLength } from './packet';
import { isPlain } from './plain';
import { confirm, create, firstOfSource, linkSource, lookUp, recordAt } from './table';
import { tcpFollow, tcpIsOrdinary, tcpOpen, tcpUpdate } from './tcp';
import { kindOf } from './tcp-segment';
import { udpOpen, udpUpdate } from './udp';

/** The packet is not for the fast way, and nothing has been done. */
export const NOT_FAST = -1;

/** What one less in TTL adds to the header's little-endian one's complement sum. */
const TTL_DELTA: u32 = 0xfffe;

export function forward(at: usize, captured: i32, dev: i32): i32 {
  if (!isPlain(at, captured)) return NOT_FAST;
  const protocol = load<u8>(at, 9);
  return forwardFound(at, dev, lookUp(load<i32>(at, 12), load<i32>(at, 16), load<i32>(at, IPV4_LENGTH), protocol));
}

/** The same for a packet that is plain, whose connection is known; REFERENCE is below 0 where there is none. */
export function forwardFound(at: usize, dev: i32, reference: i32): i32 {
  if (reference < 0) return hasClasses() ? open(at, dev) : NOT_FAST;
  const direction = reference & 1;
  const record = recordAt(reference >>> 1);
  let path = load<i32>(record + (direction << 2), FAST_PATH << 2) - 1;
  const isRemembered = path >= 0;
  if (!isRemembered) {
    path = pathOfClass(at, dev, record, direction);
    if (path < 0) return NOT_FAST;
  }
  const length = totalLength(at);
  const pathAt: usize = PATHS_AT + <usize>path * PATH_STRIDE;
  if (load<i32>(pathAt, PATH_IN_DEV_AT) !== dev || length > load<i32>(pathAt, PATH_MTU_AT)) return NOT_FAST;
  if (load<f64>(record, EXPIRES_MS_F64 << 3) <= nowMs()) return NOT_FAST;
  const isTcp = load<u8>(at, 9) === IPPROTO_TCP;
  if (isTcp && !tcpIsOrdinary(record, direction, at + IPV4_LENGTH, length - IPV4_LENGTH)) return NOT_FAST;
  // Some count how often they are asked: from here on nothing but the answers stands in the way.
  if (load<i32>(pathAt, PATH_ASKS_AT) !== 0 && ask(path, <i32>at, reference >>> 1, direction) === 0) return NOT_FAST;
  if (!isRemembered) remember(record, direction, path);
  if (isTcp) tcpFollow(record, direction, length);
  else udpUpdate(reference >>> 1, direction, length);
  if (direction === REPLY) store<i32>(record, load<i32>(record, STATUS << 2) | Status.SEEN_REPLY, STATUS << 2);
  leave(at, pathAt, record, direction, length);
  return path;
}

/** The path of the class that a packet of an established connection belongs to, whose own path is not known yet. */
function pathOfClass(at: usize, dev: i32, record: usize, direction: i32): i32 {
  if (!hasClasses() || load<i32>(record + (direction << 2), FAST_PATH << 2) !== 0) return NOT_FAST;
  const status = load<i32>(record, STATUS << 2);
  if (direction === ORIGINAL && (status & Status.SEEN_REPLY) === 0) return NOT_FAST;
  const other = record + (direction === ORIGINAL ? REPLY_TUPLE << 2 : ORIGINAL_TUPLE << 2);
  const phase = direction === ORIGINAL ? Phase.ORIGINAL : Phase.REPLY;
  const one = classOf(at, dev, phase, load32(other), load16(other + 8));
  if (one === 0) return NOT_FAST;
  const path = load<i32>(one, CLASS_PATH);
  // A masqueraded connection leaves by its interface or not at all (nf_nat_oif_changed).
  const masqueradeDev = load<i32>(record, MASQUERADE_DEV << 2);
  const outDev = load<i32>(PATHS_AT + <usize>path * PATH_STRIDE, PATH_OUT_DEV_AT);
  return direction === ORIGINAL && masqueradeDev !== 0 && masqueradeDev !== outDev + 1 ? NOT_FAST : path;
}

/** Let the next packet of DIRECTION take PATH. */
function remember(record: usize, direction: i32, path: i32): void {
  store<i32>(record + (direction << 2), path + 1, FAST_PATH << 2);
  noteDeltas(record, direction);
}

/**
 * The plain packet at AT belongs to no connection: where it is of a class whose packets all open one in the same way, and what it
 * becomes is free, so does it.
 */
function open(at: usize, dev: i32): i32 {
  const protocol: i32 = load<u8>(at, 9);
  const isTcp = protocol === IPPROTO_TCP;
  const l4 = at + IPV4_LENGTH;
  if (isTcp && kindOf(load<u8>(l4, TCP_FLAGS_AT)) !== SegmentKind.SYN) return NOT_FAST;
  const one = classOf(at, dev, Phase.OPENING, 0, 0);
  if (one === 0) return NOT_FAST;
  const length = totalLength(at);
  const path = load<i32>(one, CLASS_PATH);
  const pathAt: usize = PATHS_AT + <usize>path * PATH_STRIDE;
  if (load<i32>(pathAt, PATH_ASKS_AT) !== 0 || length > load<i32>(pathAt, PATH_MTU_AT)) return NOT_FAST;

  const source = load<i32>(at, 12);
  const destination = load<i32>(at, 16);
  const ports = load<i32>(l4);
  const plan = load<i32>(one, CLASS_PLAN);
  const newSource = (plan & PlanFlag.SOURCE) !== 0 ? load<i32>(one, CLASS_NEW_SOURCE) : source;
  const newDestination = (plan & PlanFlag.DESTINATION) !== 0 ? load<i32>(one, CLASS_NEW_DESTINATION) : destination;
  const dport = (plan & PlanFlag.DPORT) !== 0 ? load<i32>(one, CLASS_NEW_DPORT) : ports >>> 16;
  const replyPorts = dport | (ports << 16);
  if (lookUp(newDestination, newSource, replyPorts, protocol) >= 0) return NOT_FAST;
  if (newSource !== source) {
    // What the same source was given before, it may be given again (find_appropriate_src): not for here to say.
    if (firstOfSource(source, ports, protocol) >= 0) return NOT_FAST;
    if (lookUp(newDestination, source, replyPorts, protocol) >= 0) return NOT_FAST;
  }

  const entry = create(source, destination, ports, replyPorts, protocol, nowMs());
  if (entry < 0) return NOT_FAST;
  const record = recordAt(entry);
  const l4Length = length - IPV4_LENGTH;
  if (isTcp) {
    tcpOpen(entry, l4, l4Length, l4Length);
    tcpUpdate(entry, ORIGINAL, l4, l4Length, l4Length, length);
  } else {
    udpOpen(entry);
    udpUpdate(entry, ORIGINAL, length);
  }
  store<i32>(record, newDestination, REPLY_TUPLE << 2);
  store<i32>(record, newSource, (REPLY_TUPLE + 1) << 2);
  let status = load<i32>(record, STATUS << 2);
  if ((plan & PlanFlag.BOUND) !== 0) {
    status |= Status.SRC_NAT_DONE | Status.DST_NAT_DONE;
    if (newDestination !== destination || dport !== ports >>> 16) status |= Status.DST_NAT;
    if (newSource !== source) status |= Status.SRC_NAT;
    store<i32>(record, load<i32>(one, CLASS_MASQUERADE_DEV), MASQUERADE_DEV << 2);
    linkSource(entry);
  }
  store<i32>(record, status, STATUS << 2);
  confirm(entry);
  noteDeltas(record, ORIGINAL);
  leave(at, pathAt, record, ORIGINAL, length);
  return path;
}

/** Count the packet at AT on its path, and make of it what leaves. */
function leave(at: usize, pathAt: usize, record: usize, direction: i32, length: i32): void {
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

/** FAST_DELTAS of a direction: what its translation adds to the sums of the IP header and of layer 4. */
export function noteDeltas(record: usize, direction: i32): void {
  const own = record + (direction === ORIGINAL ? ORIGINAL_TUPLE << 2 : REPLY_TUPLE << 2);
  const other = record + (direction === ORIGINAL ? REPLY_TUPLE << 2 : ORIGINAL_TUPLE << 2);
  const addresses = difference(load<u32>(own), load<u32>(other, 4)) + difference(load<u32>(own, 4), load<u32>(other));
  const ports = difference(load<u32>(own, 8), load<u32>(other, 8));
  store<u32>(record + (direction << 2), (fold(addresses) << 16) | fold(addresses + ports), FAST_DELTAS << 2);
}

/** The one's complement sum of the halves of AFTER less those of BEFORE. */
function difference(before: u32, after: u32): u32 {
  return (~before & 0xffff) + (~before >>> 16) + (after & 0xffff) + (after >>> 16);
}

// The way of most packets: of a known connection, along a path that the packet before it took, or that its class takes. What it
// promises stands in core/flow/flow-cache.ts.
import { nowMs } from '../conntrack/account';
import { open } from '../conntrack/open';
import { lookUp, recordAt } from '../conntrack/table';
import { tcpFollow, tcpFollowAck, tcpIsOrdinary, tcpIsOrdinaryAck } from '../conntrack/tcp';
import { udpUpdate } from '../conntrack/udp';
import {
  CLASS_BYTES,
  CLASSES_AT,
  EXPIRES_MS_F64,
  FAST_PATH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  MASQUERADE_DEV,
  ORIGINAL,
  PATH_OUT_DEV_AT,
  Phase,
  REPLY,
  STATUS,
  Status,
} from '../constants';
import { leave, noteDeltas, otherTuple, pathAddress, UPCALL } from './leave';
import { classFrom, countHit, hasClasses, pathOfClass } from './megaflows';
import { load16, load32, totalLength } from './packet';
import { isPlain } from './plain';
import { isOpen, mayTake } from './questions';

export function forward(at: usize, captured: i32, dev: i32): i32 {
  if (!isPlain(at, captured)) return UPCALL;
  const protocol = load<u8>(at, 9);
  return forwardFound(at, dev, lookUp(load<i32>(at, 12), load<i32>(at, 16), load<i32>(at, IPV4_LENGTH), protocol));
}

/** The same for a packet that is plain, whose connection is known; REFERENCE is below 0 where there is none. */
export function forwardFound(at: usize, dev: i32, reference: i32): i32 {
  if (reference < 0) return open(at, dev);
  const direction = reference & 1;
  const entry = reference >>> 1;
  const record = recordAt(entry);
  if (load<f64>(record, EXPIRES_MS_F64 << 3) <= nowMs()) return UPCALL;
  const length = totalLength(at);
  const isTcp = load<u8>(at, 9) === IPPROTO_TCP;
  const known = load<i32>(record + (direction << 2), FAST_PATH << 2);
  if (known < 0 || (known === 0 && !hasClasses())) return UPCALL;
  const l4 = at + IPV4_LENGTH;
  const l4Length = length - IPV4_LENGTH;
  // Some questions count how often they are asked: behind them nothing but the answers stands in the way.
  if (isTcp && known > 0 && tcpIsOrdinaryAck(record, direction, l4, l4Length)) {
    if (!isOpen(known - 1, dev, length) && !mayFollow(record, known - 1, at, dev, length, entry, direction)) {
      return UPCALL;
    }
    tcpFollowAck(record, direction, length);
    leave(at, pathAddress(known - 1), record, direction, length);
    return known - 1;
  }
  if (isTcp && !tcpIsOrdinary(record, direction, l4, l4Length)) return UPCALL;
  let path = known - 1;
  if (path < 0) {
    path = classPath(at, dev, entry, direction, length);
    if (path < 0) return UPCALL;
    remember(record, direction, path);
  } else if (!mayFollow(record, path, at, dev, length, entry, direction)) {
    return UPCALL;
  }
  if (isTcp) tcpFollow(record, direction, length);
  else udpUpdate(entry, direction, length);
  if (direction === REPLY) store<i32>(record, load<i32>(record, STATUS << 2) | Status.SEEN_REPLY, STATUS << 2);
  leave(at, pathAddress(path), record, direction, length);
  return path;
}

/** Whether PATH is open to the packet at AT of the connection ENTRY, whose RECORD says what it becomes. */
function mayFollow(record: usize, path: i32, at: usize, dev: i32, length: i32, entry: i32, direction: i32): bool {
  return mayTake(path, at, dev, length, load16(otherTuple(record, direction) + 8), entry, direction);
}

/** The path of the class that a packet of an established connection belongs to, whose own path is not known yet. */
function classPath(at: usize, dev: i32, entry: i32, direction: i32, length: i32): i32 {
  const record = recordAt(entry);
  const isOriginal = direction === ORIGINAL;
  if (isOriginal && (load<i32>(record, STATUS << 2) & Status.SEEN_REPLY) === 0) return UPCALL;
  // A masqueraded connection leaves by its interface or not at all (nf_nat_oif_changed).
  const masqueradeDev = isOriginal ? load<i32>(record, MASQUERADE_DEV << 2) : 0;
  const other = otherTuple(record, direction);
  const phase = isOriginal ? Phase.ORIGINAL : Phase.REPLY;
  const laterDestination = load32(other);
  const laterDport = load16(other + 8);
  for (let from: usize = CLASSES_AT; ; ) {
    const one = classFrom(from, at, dev, phase, laterDestination, laterDport);
    if (one === 0) break;
    const path = pathOfClass(one, at, dev, laterDestination, laterDport);
    if (
      path >= 0 &&
      (masqueradeDev === 0 || masqueradeDev === load<i32>(pathAddress(path), PATH_OUT_DEV_AT) + 1) &&
      mayTake(path, at, dev, length, laterDport, entry, direction)
    ) {
      countHit(one);
      return path;
    }
    from = one + CLASS_BYTES;
  }
  return UPCALL;
}

/** Let the next packet of DIRECTION take PATH. */
function remember(record: usize, direction: i32, path: i32): void {
  store<i32>(record + (direction << 2), path + 1, FAST_PATH << 2);
  noteDeltas(record, direction);
}

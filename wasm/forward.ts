// The way of most packets: of a known connection, along a path that the packet before it took, or that its class takes. What it
// promises stands in core/fast/fast-way.ts.
import { nowMs } from './account';
import { classOf, hasClasses } from './classes';
import {
  CLASS_PATH,
  EXPIRES_MS_F64,
  FAST_PATH,
  IPPROTO_TCP,
  IPV4_LENGTH,
  MASQUERADE_DEV,
  ORIGINAL,
  PATH_IN_DEV_AT,
  PATH_MTU_AT,
  PATH_OUT_DEV_AT,
  PATH_QUESTIONS_AT,
  Phase,
  REPLY,
  STATUS,
  Status,
} from './constants';
import { leave, NOT_FAST, noteDeltas, otherTuple, pathAddress } from './leave';
import { open } from './open';
import { load16, load32, totalLength } from './packet';
import { isPlain } from './plain';
import { answersAgree } from './questions';
import { lookUp, recordAt } from './table';
import { tcpFollow, tcpIsOrdinary } from './tcp';
import { udpUpdate } from './udp';

export function forward(at: usize, captured: i32, dev: i32): i32 {
  if (!isPlain(at, captured)) return NOT_FAST;
  const protocol = load<u8>(at, 9);
  return forwardFound(at, dev, lookUp(load<i32>(at, 12), load<i32>(at, 16), load<i32>(at, IPV4_LENGTH), protocol));
}

/** The same for a packet that is plain, whose connection is known; REFERENCE is below 0 where there is none. */
export function forwardFound(at: usize, dev: i32, reference: i32): i32 {
  if (reference < 0) return open(at, dev);
  const direction = reference & 1;
  const record = recordAt(reference >>> 1);
  let path = load<i32>(record + (direction << 2), FAST_PATH << 2) - 1;
  const isRemembered = path >= 0;
  if (!isRemembered) {
    path = pathOfClass(at, dev, record, direction);
    if (path < 0) return NOT_FAST;
  }
  const length = totalLength(at);
  const pathAt = pathAddress(path);
  if (load<i32>(pathAt, PATH_IN_DEV_AT) !== dev || length > load<i32>(pathAt, PATH_MTU_AT)) return NOT_FAST;
  if (load<f64>(record, EXPIRES_MS_F64 << 3) <= nowMs()) return NOT_FAST;
  const isTcp = load<u8>(at, 9) === IPPROTO_TCP;
  if (isTcp && !tcpIsOrdinary(record, direction, at + IPV4_LENGTH, length - IPV4_LENGTH)) return NOT_FAST;
  // Some count how often they are asked: from here on nothing but the answers stands in the way.
  const questions: usize = load<u32>(pathAt, PATH_QUESTIONS_AT);
  if (questions !== 0) {
    const laterDport = load16(otherTuple(record, direction) + 8);
    if (!answersAgree(questions, path, at, laterDport, reference >>> 1, direction)) return NOT_FAST;
  }
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
  const other = otherTuple(record, direction);
  const phase = direction === ORIGINAL ? Phase.ORIGINAL : Phase.REPLY;
  const one = classOf(at, dev, phase, load32(other), load16(other + 8));
  if (one === 0) return NOT_FAST;
  const path = load<i32>(one, CLASS_PATH);
  // A masqueraded connection leaves by its interface or not at all (nf_nat_oif_changed).
  const masqueradeDev = load<i32>(record, MASQUERADE_DEV << 2);
  const outDev = load<i32>(pathAddress(path), PATH_OUT_DEV_AT);
  return direction === ORIGINAL && masqueradeDev !== 0 && masqueradeDev !== outDev + 1 ? NOT_FAST : path;
}

/** Let the next packet of DIRECTION take PATH. */
function remember(record: usize, direction: i32, path: i32): void {
  store<i32>(record + (direction << 2), path + 1, FAST_PATH << 2);
  noteDeltas(record, direction);
}

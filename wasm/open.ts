// The first packet of a connection, where its class says what becomes of it.
import { nowMs } from './account';
import { classOf, hasClasses } from './classes';
import {
  CLASS_MASQUERADE_DEV,
  CLASS_NEW_DESTINATION,
  CLASS_NEW_DPORT,
  CLASS_NEW_SOURCE,
  CLASS_PATH,
  CLASS_PLAN,
  IPPROTO_TCP,
  IPV4_LENGTH,
  MASQUERADE_DEV,
  ORIGINAL,
  PATH_MTU_AT,
  PATH_QUESTIONS_AT,
  Phase,
  PlanFlag,
  REPLY_TUPLE,
  SegmentKind,
  STATUS,
  Status,
  TCP_FLAGS_AT,
} from './constants';
import { leave, NOT_FAST, noteDeltas, pathAddress } from './leave';
import { totalLength } from './packet';
import { answersAgree } from './questions';
import { confirm, create, firstOfSource, headOfSource, homeOf, linkSource, lookUp, recordAt } from './table';
import { tcpOpen, tcpUpdate } from './tcp';
import { kindOf } from './tcp-segment';
import { udpOpen, udpUpdate } from './udp';

/** What the packet in hand becomes: addresses as loaded, the port and the ports of its replies as they are on the wire. */
let newSource = 0;
let newDestination = 0;
let newDport = 0;
let replyPorts = 0;

/** The address of the class of the plain packet at AT, which belongs to no connection, and what it makes of it; 0: none. */
function planOf(at: usize, dev: i32): usize {
  if (!hasClasses()) return 0;
  const l4 = at + IPV4_LENGTH;
  if (load<u8>(at, 9) === IPPROTO_TCP && kindOf(load<u8>(l4, TCP_FLAGS_AT)) !== SegmentKind.SYN) return 0;
  const one = classOf(at, dev, Phase.OPENING, 0, 0);
  if (one === 0) return 0;
  const ports = load<i32>(l4);
  const plan = load<i32>(one, CLASS_PLAN);
  newSource = (plan & PlanFlag.SOURCE) !== 0 ? load<i32>(one, CLASS_NEW_SOURCE) : load<i32>(at, 12);
  newDestination = (plan & PlanFlag.DESTINATION) !== 0 ? load<i32>(one, CLASS_NEW_DESTINATION) : load<i32>(at, 16);
  newDport = (plan & PlanFlag.DPORT) !== 0 ? load<i32>(one, CLASS_NEW_DPORT) : ports >>> 16;
  replyPorts = newDport | (ports << 16);
  return one;
}

/** Ask for the memory that opening a connection for the packet at AT will need. */
export function touchOpening(at: usize, dev: i32): void {
  if (planOf(at, dev) === 0) return;
  load<i32>(homeOf(newDestination, newSource, replyPorts));
  load<i32>(headOfSource(load<i32>(at, 12), load<i32>(at, IPV4_LENGTH), load<u8>(at, 9)));
}

/**
 * Where the plain packet at AT, which belongs to no connection, is of a class whose packets all open one in the same way, and
 * what it becomes is free, so does it: its path.
 */
export function open(at: usize, dev: i32): i32 {
  const one = planOf(at, dev);
  if (one === 0) return NOT_FAST;
  const length = totalLength(at);
  const path = load<i32>(one, CLASS_PATH);
  const pathAt = pathAddress(path);
  if (length > load<i32>(pathAt, PATH_MTU_AT)) return NOT_FAST;
  const protocol: i32 = load<u8>(at, 9);
  const source = load<i32>(at, 12);
  const destination = load<i32>(at, 16);
  const ports = load<i32>(at, IPV4_LENGTH);
  if (lookUp(newDestination, newSource, replyPorts, protocol) >= 0) return NOT_FAST;
  if (newSource !== source) {
    // What the same source was given before, it may be given again (find_appropriate_src): not for here to say.
    if (firstOfSource(source, ports, protocol) >= 0) return NOT_FAST;
    if (lookUp(newDestination, source, replyPorts, protocol) >= 0) return NOT_FAST;
  }

  const questions: usize = load<u32>(pathAt, PATH_QUESTIONS_AT);
  if (questions !== 0 && !answersAgree(questions, path, at, bswap<u16>(<u16>newDport), -1, ORIGINAL)) return NOT_FAST;

  const entry = create(source, destination, ports, replyPorts, protocol, nowMs());
  if (entry < 0) return NOT_FAST;
  const record = recordAt(entry);
  const l4 = at + IPV4_LENGTH;
  const l4Length = length - IPV4_LENGTH;
  if (protocol === IPPROTO_TCP) {
    tcpOpen(entry, l4, l4Length, l4Length);
    tcpUpdate(entry, ORIGINAL, l4, l4Length, l4Length, length);
  } else {
    udpOpen(entry);
    udpUpdate(entry, ORIGINAL, length);
  }
  store<i32>(record, newDestination, REPLY_TUPLE << 2);
  store<i32>(record, newSource, (REPLY_TUPLE + 1) << 2);
  if ((load<i32>(one, CLASS_PLAN) & PlanFlag.BOUND) !== 0) {
    let status = load<i32>(record, STATUS << 2) | Status.SRC_NAT_DONE | Status.DST_NAT_DONE;
    if (newDestination !== destination || newDport !== ports >>> 16) status |= Status.DST_NAT;
    if (newSource !== source) status |= Status.SRC_NAT;
    store<i32>(record, status, STATUS << 2);
    store<i32>(record, load<i32>(one, CLASS_MASQUERADE_DEV), MASQUERADE_DEV << 2);
    linkSource(entry);
  }
  confirm(entry);
  noteDeltas(record, ORIGINAL);
  leave(at, pathAt, record, ORIGINAL, length);
  return path;
}

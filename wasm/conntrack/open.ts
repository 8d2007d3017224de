// The first packet of a connection, where its class says what becomes of it.

import {
  CLASS_BYTES,
  CLASS_MASQUERADE_DEV,
  CLASS_NEW_DESTINATION,
  CLASS_NEW_DPORT,
  CLASS_NEW_SOURCE,
  CLASS_PLAN,
  CLASSES_AT,
  IPPROTO_TCP,
  IPV4_LENGTH,
  MASQUERADE_DEV,
  ORIGINAL,
  Phase,
  PlanFlag,
  REPLY_TUPLE,
  SegmentKind,
  STATUS,
  Status,
  TCP_FLAGS_AT,
} from '../constants';
import { leave, noteDeltas, pathAddress, UPCALL } from '../flow/leave';
import { classFrom, countHit, hasClasses, pathOfClass } from '../flow/megaflows';
import { totalLength } from '../flow/packet';
import { mayTake } from '../flow/questions';
import { nowMs } from './account';
import { confirm, create, firstOfSource, headOfSource, homeOf, linkSource, lookUp, recordAt, tupleHash } from './table';
import { tcpOpen, tcpUpdate } from './tcp';
import { kindOf } from './tcp-segment';
import { udpOpen, udpUpdate } from './udp';

/** What the packet in hand becomes: addresses as loaded, the port and the ports of its replies as they are on the wire. */
let newSource = 0;
let newDestination = 0;
let newDport = 0;
let replyPorts = 0;

/** The first class from FROM on of the plain packet at AT, which belongs to no connection, and what it makes of it; 0: none. */
function planFrom(from: usize, at: usize, dev: i32): usize {
  const one = classFrom(from, at, dev, Phase.OPENING, 0, 0);
  if (one === 0) return 0;
  const ports = load<i32>(at, IPV4_LENGTH);
  const plan = load<i32>(one, CLASS_PLAN);
  newSource = (plan & PlanFlag.SOURCE) !== 0 ? load<i32>(one, CLASS_NEW_SOURCE) : load<i32>(at, 12);
  newDestination = (plan & PlanFlag.DESTINATION) !== 0 ? load<i32>(one, CLASS_NEW_DESTINATION) : load<i32>(at, 16);
  newDport = (plan & PlanFlag.DPORT) !== 0 ? load<i32>(one, CLASS_NEW_DPORT) : ports >>> 16;
  replyPorts = newDport | (ports << 16);
  return one;
}

/** Whether the plain packet at AT may open a connection here at all. */
function opens(at: usize): bool {
  const isTcp = load<u8>(at, 9) === IPPROTO_TCP;
  return !isTcp || kindOf(load<u8>(at, IPV4_LENGTH + TCP_FLAGS_AT)) === SegmentKind.SYN;
}

/** Ask for the memory that opening a connection for the packet at AT will need. */
export function touchOpening(at: usize, dev: i32): void {
  if (!hasClasses() || !opens(at) || planFrom(CLASSES_AT, at, dev) === 0) return;
  load<i32>(homeOf(tupleHash(newDestination, newSource, replyPorts)));
  const source = load<i32>(at, 12);
  if (newSource !== source) load<i32>(headOfSource(source, load<i32>(at, IPV4_LENGTH), load<u8>(at, 9)));
}

/**
 * Where the plain packet at AT, which belongs to no connection, is of a class whose packets all open one in the same way, and
 * what it becomes is free, so does it: its path.
 */
export function open(at: usize, dev: i32): i32 {
  if (!hasClasses() || !opens(at)) return UPCALL;
  for (let one = planFrom(CLASSES_AT, at, dev); one !== 0; one = planFrom(one + CLASS_BYTES, at, dev)) {
    const length = totalLength(at);
    const laterDport: i32 = bswap<u16>(<u16>newDport);
    if (!isFree(at)) return UPCALL;
    const path = pathOfClass(one, at, dev, bswap<i32>(newDestination), laterDport);
    if (path >= 0 && mayTake(path, at, dev, length, laterDport, -1, ORIGINAL)) return openAs(one, path, at, length);
  }
  return UPCALL;
}

/** Whether what the packet at AT becomes is free. */
function isFree(at: usize): bool {
  const protocol: i32 = load<u8>(at, 9);
  const source = load<i32>(at, 12);
  if (lookUp(newDestination, newSource, replyPorts, protocol) >= 0) return false;
  if (newSource === source) return true;
  // What the same source was given before, it may be given again (find_appropriate_src): not for here to say.
  if (firstOfSource(source, load<i32>(at, IPV4_LENGTH), protocol) >= 0) return false;
  return lookUp(newDestination, source, replyPorts, protocol) < 0;
}

/** Open a connection for the packet at AT of LENGTH bytes, and forward it, as the class ONE says. */
function openAs(one: usize, path: i32, at: usize, length: i32): i32 {
  const protocol: i32 = load<u8>(at, 9);
  const source = load<i32>(at, 12);
  const destination = load<i32>(at, 16);
  const ports = load<i32>(at, IPV4_LENGTH);
  const entry = create(source, destination, ports, replyPorts, protocol, nowMs());
  if (entry < 0) return UPCALL;
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
  countHit(one);
  leave(at, pathAddress(path), record, ORIGINAL, length);
  return path;
}

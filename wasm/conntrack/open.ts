// Opens a connection for its first packet according to a megaflow's plan.

import {
  IPPROTO_TCP,
  IPV4_LENGTH,
  ORIGINAL,
  Phase,
  PlanFlag,
  SegmentKind,
  Status,
  TCP_FLAGS_AT,
  UPCALL,
} from '../constants';
import { keepOpeningAnswers, startOpening } from '../flow/answers';
import { leave, updateDeltas } from '../flow/leave';
import {
  countHit,
  firstMegaflow,
  hasMegaflows,
  isFound,
  megaflowAfter,
  megaflowFrom,
  pathOfMegaflow,
} from '../flow/megaflows';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from '../flow/packet';
import { mayTake } from '../flow/path-checks';
import { Megaflow, pathsAt } from '../records';
import { nowMs } from './account';
import {
  confirm,
  create,
  hasSource,
  headOfSource,
  homeOf,
  isFull,
  linkSource,
  lookUp,
  recordAt,
  tupleHash,
} from './table';
import { tcpOpen, tcpUpdate } from './tcp';
import { kindOf } from './tcp-segment';
import { udpOpen, udpUpdate } from './udp';

/**
 * What the current packet is translated to (set by `planFrom`): addresses as loaded, and its port and the reply's ports
 * in wire order.
 */
let newSource = 0;
let newDestination = 0;
let newDport = 0;
let replyPorts = 0;

/**
 * Finds the first megaflow, starting at FROM, that matches the plain packet at AT, which has no connection. Applies its
 * plan to the packet.
 */
function planFrom(from: Megaflow, at: usize, dev: i32): Megaflow {
  const flow = megaflowFrom(from, at, dev, Phase.OPENING, 0, 0);
  if (!isFound(flow)) return flow;
  const ports = portsOf(at);
  const plan = flow.plan;
  newSource = (plan & PlanFlag.SOURCE) !== 0 ? flow.newSource : sourceOf(at);
  newDestination = (plan & PlanFlag.DESTINATION) !== 0 ? flow.newDestination : destinationOf(at);
  newDport = (plan & PlanFlag.DPORT) !== 0 ? flow.newDport : ports >>> 16;
  replyPorts = newDport | (ports << 16);
  return flow;
}

/** Whether the plain packet at AT may open a connection on the fast path. */
function opens(at: usize): bool {
  return protocolOf(at) !== IPPROTO_TCP || kindOf(load<u8>(at, IPV4_LENGTH + TCP_FLAGS_AT)) === SegmentKind.SYN;
}

/** Loads the memory that opening a connection for the packet at AT will need into the cache. */
export function prefetchOpening(at: usize, dev: i32): void {
  if (!hasMegaflows() || !opens(at) || !isFound(planFrom(firstMegaflow(), at, dev))) return;
  load<i32>(homeOf(tupleHash(newDestination, newSource, replyPorts)));
  const source = sourceOf(at);
  if (newSource !== source) load<i32>(changetype<usize>(headOfSource(source, portsOf(at), protocolOf(at))));
}

/**
 * Opens a connection for the plain packet at AT, which has none, and forwards it, if a megaflow matches and the tuple
 * from its plan is free. Returns its path or an upcall.
 */
export function open(at: usize, dev: i32): i32 {
  if (!hasMegaflows() || !opens(at) || isFull()) return UPCALL;
  let upcall = UPCALL;
  startOpening();
  let flow = planFrom(firstMegaflow(), at, dev);
  for (; isFound(flow); flow = planFrom(megaflowAfter(flow), at, dev)) {
    const length = totalLength(at);
    const translatedDport: i32 = bswap<u16>(<u16>newDport);
    if (!isFree(at)) return upcall;
    const translatedDestination = bswap<i32>(newDestination);
    const path = pathOfMegaflow(flow, at, dev, translatedDestination, translatedDport);
    if (path < 0) {
      if (path !== UPCALL) upcall = path;
    } else if (mayTake(path, at, dev, length, translatedDestination, translatedDport, -1, ORIGINAL)) {
      return openAs(flow, path, at, length);
    }
  }
  return upcall;
}

/** Whether the tuples that the packet at AT would get are free. */
function isFree(at: usize): bool {
  const protocol = protocolOf(at);
  const source = sourceOf(at);
  if (lookUp(newDestination, newSource, replyPorts, protocol) >= 0) return false;
  if (newSource === source) return true;
  // The source may have to reuse an earlier mapping (find_appropriate_src). The slow path handles that.
  if (hasSource(source, portsOf(at), protocol)) return false;
  return lookUp(newDestination, source, replyPorts, protocol) < 0;
}

/**
 * Opens a connection for the packet at AT of LENGTH bytes according to FLOW's plan, and forwards the packet along PATH.
 */
function openAs(flow: Megaflow, path: i32, at: usize, length: i32): i32 {
  const protocol = protocolOf(at);
  const source = sourceOf(at);
  const destination = destinationOf(at);
  const ports = portsOf(at);
  const entry = create(source, destination, ports, replyPorts, protocol, nowMs());
  if (entry < 0) return UPCALL;
  keepOpeningAnswers(entry);
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
  const reply = record.reply;
  reply.source = newDestination;
  reply.destination = newSource;
  if ((flow.plan & PlanFlag.BOUND) !== 0) {
    let status = record.status | Status.SRC_NAT_DONE | Status.DST_NAT_DONE;
    if (newDestination !== destination || newDport !== ports >>> 16) status |= Status.DST_NAT;
    if (newSource !== source) status |= Status.SRC_NAT;
    record.status = status;
    record.masqueradeDev = flow.masqueradeDev;
    linkSource(entry);
  }
  confirm(entry);
  updateDeltas(record, ORIGINAL);
  countHit(flow);
  leave(at, pathsAt(path), record, ORIGINAL, length);
  return path;
}

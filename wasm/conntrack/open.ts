// The first packet of a connection, where a megaflow's plan says what becomes of it.

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
import { leave, noteDeltas } from '../flow/leave';
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
import { mayTake } from '../flow/questions';
import { Megaflow, pathsAt } from '../records';
import { nowMs } from './account';
import { confirm, create, firstOfSource, headOfSource, homeOf, linkSource, lookUp, recordAt, tupleHash } from './table';
import { tcpOpen, tcpUpdate } from './tcp';
import { kindOf } from './tcp-segment';
import { udpOpen, udpUpdate } from './udp';

/**
 * What the packet in hand is translated to (`planFrom`): addresses as loaded, the port and its replies' ports in wire
 * order.
 */
let newSource = 0;
let newDestination = 0;
let newDport = 0;
let replyPorts = 0;

/**
 * The first megaflow from FROM on that holds the plain packet at AT, which belongs to no connection, and what its plan
 * makes of it.
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

/** Whether the plain packet at AT may open a connection here at all. */
function opens(at: usize): bool {
  return protocolOf(at) !== IPPROTO_TCP || kindOf(load<u8>(at, IPV4_LENGTH + TCP_FLAGS_AT)) === SegmentKind.SYN;
}

/** Load the memory that opening a connection for the packet at AT will need, so that it is in the cache by then. */
export function touchOpening(at: usize, dev: i32): void {
  if (!hasMegaflows() || !opens(at) || !isFound(planFrom(firstMegaflow(), at, dev))) return;
  load<i32>(homeOf(tupleHash(newDestination, newSource, replyPorts)));
  const source = sourceOf(at);
  if (newSource !== source) load<i32>(changetype<usize>(headOfSource(source, portsOf(at), protocolOf(at))));
}

/**
 * Where a megaflow holds the plain packet at AT, which belongs to no connection, and what its plan makes of it is free,
 * open the connection and forward it: its path, or an upcall.
 */
export function open(at: usize, dev: i32): i32 {
  if (!hasMegaflows() || !opens(at)) return UPCALL;
  let upcall = UPCALL;
  let flow = planFrom(firstMegaflow(), at, dev);
  for (; isFound(flow); flow = planFrom(megaflowAfter(flow), at, dev)) {
    const length = totalLength(at);
    const laterDport: i32 = bswap<u16>(<u16>newDport);
    if (!isFree(at)) return upcall;
    const laterDestination = bswap<i32>(newDestination);
    const path = pathOfMegaflow(flow, at, dev, laterDestination, laterDport);
    if (path < 0) {
      if (path !== UPCALL) upcall = path;
    } else if (mayTake(path, at, dev, length, laterDestination, laterDport, -1, ORIGINAL)) {
      return openAs(flow, path, at, length);
    }
  }
  return upcall;
}

/** Whether no connection has the tuples that the packet at AT would get. */
function isFree(at: usize): bool {
  const protocol = protocolOf(at);
  const source = sourceOf(at);
  if (lookUp(newDestination, newSource, replyPorts, protocol) >= 0) return false;
  if (newSource === source) return true;
  // The same source may get what it got before (find_appropriate_src): that is for the slow path.
  if (firstOfSource(source, portsOf(at), protocol) >= 0) return false;
  return lookUp(newDestination, source, replyPorts, protocol) < 0;
}

/** Open a connection for the packet at AT of LENGTH bytes, and forward it along PATH, as FLOW's plan says. */
function openAs(flow: Megaflow, path: i32, at: usize, length: i32): i32 {
  const protocol = protocolOf(at);
  const source = sourceOf(at);
  const destination = destinationOf(at);
  const ports = portsOf(at);
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
  noteDeltas(record, ORIGINAL);
  countHit(flow);
  leave(at, pathsAt(path), record, ORIGINAL, length);
  return path;
}

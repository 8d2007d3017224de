// hot: the fast path. A packet of a known connection follows the path of the previous packet, or that of a megaflow.
// core/flow/flow-cache.ts documents the contract.
import { nowMs } from '../conntrack/account';
import { open } from '../conntrack/open';
import { lookUp, recordAt } from '../conntrack/table';
import { tcpFollow, tcpFollowAck, tcpIsOrdinary, tcpIsOrdinaryAck } from '../conntrack/tcp';
import { udpUpdate } from '../conntrack/udp';
import { IPPROTO_TCP, IPV4_LENGTH, NAT_MASK, ORIGINAL, Phase, REPLY, Status, UPCALL } from '../constants';
import { Connection, pathsAt, TcpConnection } from '../records';
import { leave, otherTuple, updateDeltas } from './leave';
import {
  countHit,
  firstMegaflow,
  hasMegaflows,
  isFound,
  megaflowAfter,
  megaflowFrom,
  pathOfMegaflow,
} from './megaflows';
import { finish } from './offload';
import { destinationOf, portsOf, protocolOf, sourceOf, totalLength } from './packet';
import { isOpen, mayTake } from './path-checks';
import { correction, isPlain } from './plain';

/** Whether NAT is at the hooks: if not, packets of translated connections pass as they are. */
let hasNat = false;

export function setNat(isOn: i32): void {
  hasNat = isOn !== 0;
}

export function forward(at: usize, captured: i32, dev: i32): i32 {
  if (!isPlain(at, captured)) return UPCALL;
  const path = forwardFound(at, dev, lookUp(sourceOf(at), destinationOf(at), portsOf(at), protocolOf(at)));
  if (correction !== 0 && path >= 0) finish(at, correction);
  return path;
}

/**
 * Same as `forward` for a plain packet that was already looked up: REFERENCE is its connection, below 0 if there is
 * none.
 */
export function forwardFound(at: usize, dev: i32, reference: i32): i32 {
  if (reference < 0) return open(at, dev);
  const direction = reference & 1;
  const entry = reference >>> 1;
  const record = recordAt(entry);
  if (record.expiresMs <= nowMs()) return UPCALL;
  const length = totalLength(at);
  const known = record.path(direction);
  if (known < 0 || (known === 0 && !hasMegaflows())) return UPCALL;
  const isTcp = protocolOf(at) === IPPROTO_TCP;
  const tcp = changetype<TcpConnection>(record);
  const l4 = at + IPV4_LENGTH;
  const l4Length = length - IPV4_LENGTH;
  // Some checks count how often they are run, so they come last: after that, only their results can rule out the fast
  // path.
  if (isTcp && known > 0 && tcpIsOrdinaryAck(tcp, direction, l4, l4Length)) {
    if (
      !isOpen(known - 1, dev, length, entry, direction) &&
      !mayFollow(record, known - 1, at, dev, length, entry, direction)
    ) {
      return UPCALL;
    }
    tcpFollowAck(tcp, direction, length);
    leave(at, pathsAt(known - 1), record, direction, length);
    return known - 1;
  }
  if (isTcp && !tcpIsOrdinary(tcp, direction, l4, l4Length)) return UPCALL;
  let path = known - 1;
  if (path < 0) {
    path = megaflowPath(at, dev, entry, direction, length);
    if (path < 0) return path;
    remember(record, direction, path);
  } else if (!mayFollow(record, path, at, dev, length, entry, direction)) {
    return UPCALL;
  }
  if (isTcp) tcpFollow(tcp, direction, length);
  else udpUpdate(entry, direction, length);
  if (direction === REPLY) record.status = record.status | Status.SEEN_REPLY;
  leave(at, pathsAt(path), record, direction, length);
  return path;
}

/** Whether PATH accepts the packet at AT of connection ENTRY, whose RECORD has its translation. */
function mayFollow(record: Connection, path: i32, at: usize, dev: i32, length: i32, entry: i32, direction: i32): bool {
  const translatedDestination = bswap<i32>(otherTuple(record, direction).source);
  return mayTake(path, at, dev, length, translatedDestination, translatedDportOf(record, direction), entry, direction);
}

/** The destination port of packets in DIRECTION after translation, in host order. */
function translatedDportOf(record: Connection, direction: i32): i32 {
  return <i32>bswap<u16>(<u16>otherTuple(record, direction).ports);
}

/**
 * The path of the megaflow that matches a packet of an established connection without a path of its own, or an upcall.
 */
function megaflowPath(at: usize, dev: i32, entry: i32, direction: i32, length: i32): i32 {
  const record = recordAt(entry);
  if (!hasNat && (record.status & NAT_MASK) !== 0) return UPCALL;
  const isOriginal = direction === ORIGINAL;
  if (isOriginal && (record.status & Status.SEEN_REPLY) === 0) return UPCALL;
  // A masqueraded connection may only leave by its own interface (nf_nat_oif_changed).
  const masqueradeDev = isOriginal ? record.masqueradeDev : 0;
  const phase = isOriginal ? Phase.ORIGINAL : Phase.REPLY;
  const translatedDestination = bswap<i32>(otherTuple(record, direction).source);
  const translatedDport = translatedDportOf(record, direction);
  let upcall = UPCALL;
  let flow = megaflowFrom(firstMegaflow(), at, dev, phase, translatedDestination, translatedDport);
  for (
    ;
    isFound(flow);
    flow = megaflowFrom(megaflowAfter(flow), at, dev, phase, translatedDestination, translatedDport)
  ) {
    const path = pathOfMegaflow(flow, at, dev, translatedDestination, translatedDport);
    if (path < 0) {
      if (path !== UPCALL) upcall = path;
    } else if (
      (masqueradeDev === 0 || masqueradeDev === pathsAt(path).outDev + 1) &&
      mayTake(path, at, dev, length, translatedDestination, translatedDport, entry, direction)
    ) {
      countHit(flow);
      return path;
    }
  }
  return upcall;
}

/** Stores PATH for the next packet in DIRECTION. */
function remember(record: Connection, direction: i32, path: i32): void {
  record.setPath(direction, path + 1);
  updateDeltas(record, direction);
}

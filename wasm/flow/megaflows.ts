// Megaflows (core/flow/megaflow.ts): what the first packet of a connection, and the first answer, may follow without
// asking the rules.
import { FIRST_MISS, UPCALL } from '../constants';
import { ChainPath, MEGAFLOWS_AT, MEGAFLOWS_COUNT, Megaflow, ValueRange } from '../records';
import { destinationOf, dportOf, protocolOf, sourceOf, sportOf } from './packet';
import { firstMatch, UNSAID } from './probe';

/** How many there are, from MEGAFLOWS_AT on: `MegaflowTable` sets it whenever it adds one. */
let megaflows = 0;

export function setMegaflows(count: i32): void {
  megaflows = count;
}

export function hasMegaflows(): bool {
  return megaflows > 0;
}

/** Whether a search has found one. */
export function isFound(flow: Megaflow): bool {
  return changetype<usize>(flow) !== 0;
}

/** Where a search starts, and goes on after FLOW. */
export function firstMegaflow(): Megaflow {
  return changetype<Megaflow>(MEGAFLOWS_AT);
}

export function megaflowAfter(flow: Megaflow): Megaflow {
  return changetype<Megaflow>(changetype<usize>(flow) + Megaflow.BYTES);
}

/**
 * The first megaflow from FROM on that holds the packet at AT, which comes in by DEV in PHASE, and whose destination
 * and its port will be LATER_DESTINATION and LATER_DPORT (host order) once it is translated; not `isFound` where there
 * is none. For packets that open a connection, megaflows accept any of the latter: their plan decides what these will
 * be.
 */
export function megaflowFrom(
  from: Megaflow,
  at: usize,
  dev: i32,
  phase: i32,
  laterDestination: i32,
  laterDport: i32,
): Megaflow {
  const source = bswap<i32>(sourceOf(at));
  const destination = bswap<i32>(destinationOf(at));
  const sport = sportOf(at);
  const dport = dportOf(at);
  const protocol = protocolOf(at);
  const end: usize = MEGAFLOWS_AT + <usize>megaflows * Megaflow.BYTES;
  for (let flow = from; changetype<usize>(flow) < end; flow = megaflowAfter(flow)) {
    if (
      flow.inDev === dev &&
      flow.protocol === protocol &&
      flow.phase === phase &&
      holds(flow.dport, dport) &&
      holds(flow.destination, destination) &&
      holds(flow.source, source) &&
      holds(flow.sport, sport) &&
      holds(flow.laterDestination, laterDestination) &&
      holds(flow.laterDport, laterDport)
    ) {
      return flow;
    }
  }
  return changetype<Megaflow>(0);
}

/**
 * The path that the packet at AT takes, which comes in by DEV and which FLOW holds; an upcall where it is not known.
 * Its destination and port are LATER_DESTINATION and LATER_DPORT once they are translated.
 */
export function pathOfMegaflow(flow: Megaflow, at: usize, dev: i32, laterDestination: i32, laterDport: i32): i32 {
  const chain: usize = flow.chain;
  if (chain === 0) return flow.path;
  const isLater = flow.isLater !== 0;
  const to = isLater ? laterDestination : bswap<i32>(destinationOf(at));
  const toPort = isLater ? laterDport : dportOf(at);
  const answer = firstMatch(chain, at, to, toPort, dev, flow.outDev, flow.state);
  if (answer === UNSAID) return UPCALL;
  const path = changetype<ChainPath>(<usize>flow.chainPaths + <usize>answer * ChainPath.BYTES).path - 1;
  return path < 0 ? FIRST_MISS - (answer * MEGAFLOWS_COUNT + indexOf(flow)) : path;
}

function indexOf(flow: Megaflow): i32 {
  return <i32>((changetype<usize>(flow) - MEGAFLOWS_AT) / Megaflow.BYTES);
}

/** The packet in hand takes the path of FLOW. */
export function countHit(flow: Megaflow): void {
  flow.hits += 1;
}

function holds(range: ValueRange, value: i32): bool {
  return <u32>(value - range.lowest) <= <u32>range.more;
}

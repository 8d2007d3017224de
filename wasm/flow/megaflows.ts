// Megaflows (core/flow/megaflow.ts): the first packet of a connection and the first reply can follow one without
// traversing the rules.
import { FIRST_MISS, UPCALL } from '../constants';
import { ChainPath, MEGAFLOWS_AT, MEGAFLOWS_COUNT, Megaflow, ValueRange } from '../records';
import { destinationOf, dportOf, protocolOf, sourceOf, sportOf } from './packet';
import { firstMatch, UNDECIDED } from './probe';

/** The number of megaflows, starting at MEGAFLOWS_AT. Set by `MegaflowTable` when it adds one. */
let megaflows = 0;

export function setMegaflows(count: i32): void {
  megaflows = count;
}

export function hasMegaflows(): bool {
  return megaflows > 0;
}

/** Whether a search found a megaflow. */
export function isFound(flow: Megaflow): bool {
  return changetype<usize>(flow) !== 0;
}

/** The first megaflow, or the one after FLOW. */
export function firstMegaflow(): Megaflow {
  return changetype<Megaflow>(MEGAFLOWS_AT);
}

export function megaflowAfter(flow: Megaflow): Megaflow {
  return changetype<Megaflow>(changetype<usize>(flow) + Megaflow.BYTES);
}

/**
 * Finds the first megaflow, starting at FROM, that matches the packet at AT arriving on DEV in PHASE, with
 * TRANSLATED_DESTINATION and TRANSLATED_DPORT (host order) as its destination after translation. The result must be
 * checked with `isFound`. For packets that open a connection, megaflows accept any translated destination, because
 * their plan determines it.
 */
export function megaflowFrom(
  from: Megaflow,
  at: usize,
  dev: i32,
  phase: i32,
  translatedDestination: i32,
  translatedDport: i32,
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
      holds(flow.translatedDestination, translatedDestination) &&
      holds(flow.translatedDport, translatedDport)
    ) {
      return flow;
    }
  }
  return changetype<Megaflow>(0);
}

/**
 * The path of the packet at AT, which arrived on DEV and matches FLOW, or an upcall if it is not known.
 * TRANSLATED_DESTINATION and TRANSLATED_DPORT are its destination after translation.
 */
export function pathOfMegaflow(
  flow: Megaflow,
  at: usize,
  dev: i32,
  translatedDestination: i32,
  translatedDport: i32,
): i32 {
  const chain: usize = flow.chain;
  if (chain === 0) return flow.path;
  const isAfterRouting = flow.isAfterRouting !== 0;
  const to = isAfterRouting ? translatedDestination : bswap<i32>(destinationOf(at));
  const toPort = isAfterRouting ? translatedDport : dportOf(at);
  const result = firstMatch(chain, at, to, toPort, dev, flow.outDev, flow.state);
  if (result === UNDECIDED) return UPCALL;
  const path = changetype<ChainPath>(<usize>flow.chainPaths + <usize>result * ChainPath.BYTES).path - 1;
  return path < 0 ? FIRST_MISS - (result * MEGAFLOWS_COUNT + indexOf(flow)) : path;
}

function indexOf(flow: Megaflow): i32 {
  return <i32>((changetype<usize>(flow) - MEGAFLOWS_AT) / Megaflow.BYTES);
}

/** Counts a packet that takes the path of FLOW. */
export function countHit(flow: Megaflow): void {
  flow.hits += 1;
}

function holds(range: ValueRange, value: i32): bool {
  return <u32>(value - range.lowest) <= <u32>range.more;
}

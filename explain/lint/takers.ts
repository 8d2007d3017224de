/** Which earlier rules take the packets that a rule would match. */

import { Verdict } from '../../core/hooks.js';
import { effectOf } from '../../core/rules/effect.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import { NO_PACKETS, type PacketSet } from '../../core/rules/space/diagrams.js';
import { refuses, type TableReach } from '../../core/rules/space/table-reach.js';

/** A rule that takes packets, and which ones. */
export interface Taker {
  readonly rule: Rule;
  readonly packets: PacketSet;
}

/** No more rules than these are named as the reason for one finding. */
const MAX_TAKERS = 4;

export interface Takers {
  readonly rules: readonly Taker[];
  /** There are more. */
  readonly hasMore: boolean;
}

/**
 * The rules of CHAIN before the rule at position END that take PACKETS, in order; of called chains the rules that do it
 * there. A rule that takes all of them stands alone.
 */
export function takersIn(reach: TableReach, chain: Chain, packets: PacketSet, end: number): Takers {
  const { sets } = reach.space;
  const last = lastTaker(reach, chain, packets, end);
  if (last !== undefined && sets.isWithin(packets, reach.takenBy(last, packets)))
    return leavesOf(reach, { rule: last, packets });
  const rules: Taker[] = [];
  let rest = packets;
  let from = 0;
  while (rest !== NO_PACKETS && rules.length < MAX_TAKERS) {
    const at = nextTaker(reach, chain, rest, from, end);
    if (at === undefined) break;
    const rule = chain.rules[at];
    const taken = reach.takenBy(rule, rest);
    rules.push(...leavesOf(reach, { rule, packets: taken }).rules);
    rest = sets.minus(rest, taken);
    from = at + 1;
  }
  const isTaken = rest === NO_PACKETS || nextTaker(reach, chain, rest, from, end) === undefined;
  return { rules: rules.slice(0, MAX_TAKERS), hasMore: rules.length > MAX_TAKERS || !isTaken };
}

/** The rule of CHAIN before position END behind which none of PACKETS is left; undefined if some are. */
export function lastTaker(reach: TableReach, chain: Chain, packets: PacketSet, end: number): Rule | undefined {
  const { sets } = reach.space;
  const reaches = (at: number): boolean =>
    at >= chain.rules.length || sets.meet(packets, reach.reachingInChain(chain.rules[at]));
  if (end < chain.rules.length && reaches(end)) return undefined;
  // The last rule that some of the packets reach.
  let low = 0;
  let high = Math.min(end, chain.rules.length) - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (reaches(middle)) low = middle;
    else high = middle - 1;
  }
  return chain.rules[low];
}

/** The first position from FROM on, before END, whose rule takes some of PACKETS, all of which get there. */
function nextTaker(reach: TableReach, chain: Chain, packets: PacketSet, from: number, end: number): number | undefined {
  const { sets } = reach.space;
  const before = sets.and(packets, reachingAt(reach, chain, from));
  let low = from;
  let high = Math.min(end, chain.rules.length);
  if (sets.and(before, reachingAt(reach, chain, high)) === before) return undefined;
  // The last position that all of them get to.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sets.and(before, reachingAt(reach, chain, middle)) === before) low = middle;
    else high = middle;
  }
  return low;
}

/** The packets that get to position AT of CHAIN; behind its last rule those that come out of that one. */
function reachingAt(reach: TableReach, chain: Chain, at: number): PacketSet {
  const { rules } = chain;
  if (at < rules.length) return reach.reachingInChain(rules[at]);
  const last = rules[rules.length - 1];
  const reaching = reach.reachingInChain(last);
  return reach.space.sets.minus(reaching, reach.takenBy(last, reaching));
}

/** TAKER itself or, if its rule calls a chain that keeps the packets, the rules there that do. */
function leavesOf(reach: TableReach, taker: Taker): Takers {
  const { sets } = reach.space;
  const { rule, packets } = taker;
  const called = reach.calledBy(rule);
  if (called === undefined) return { rules: [taker], hasMore: false };
  const { returned } = reach.outcomeOf(called);
  // They left the calling chain too, after -g.
  if (sets.and(packets, returned) !== NO_PACKETS) return { rules: [taker], hasMore: false };
  return takersIn(reach, called, packets, called.rules.length);
}

/** Whether RULE only ever refuses PACKETS, itself or in the chain that it calls. */
export function isRefusal(reach: TableReach, rule: Rule, packets: PacketSet): boolean {
  const called = reach.calledBy(rule);
  if (called !== undefined) {
    const { sets } = reach.space;
    const matching = sets.and(packets, reach.packets[rule.index].matching);
    return sets.isWithin(matching, reach.outcomeOf(called).refused);
  }
  return refuses(rule);
}

/** What RULE does to the packets that it takes: `accepted`. */
export function fateBy(rule: Rule): string {
  const { target } = rule;
  if (target.kind === 'verdict') {
    if (target.verdict === Verdict.ACCEPT) return 'accepted';
    return target.verdict === Verdict.DROP ? 'dropped' : 'returned to the calling chain';
  }
  if (target.kind === 'goto') return `sent to chain ${target.chain} for good`;
  if (target.kind !== 'extension') return 'taken';
  if (target.extension.refuses === true) return 'rejected';
  if (effectOf(rule) === 'connection') return 'translated';
  return `taken by -j ${target.extension.name}`;
}

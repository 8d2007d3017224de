/**
 * The results of tests that depend on more than the packet, as a packet met them: heard from the events of one packet,
 * and given to whoever works out which other packets share its path.
 */
import type { PacketEvent, RuleEvent } from '../../core/events.js';
import type { StatefulResult } from '../../core/flow/same-outcome.js';
import { askedMatches } from '../../core/rules/lower.js';
import type { Match, Rule } from '../../core/rules/model.js';

/** How often one rule was evaluated for a packet differently: nothing is said of its tests then. */
const DIFFERENT = 'different';

type Heard = Pick<RuleEvent, 'isMatched' | 'failedMatch'>;

export class StatefulResults {
  readonly #heard = new Map<Rule, Heard | typeof DIFFERENT>();

  clear(): void {
    this.#heard.clear();
  }

  /** Notes what EVENT says about the tests of a rule. */
  hear(event: PacketEvent): void {
    if (event.kind !== 'rule' || event.depth > 0) return;
    const { rule, isMatched, failedMatch } = event;
    const before = this.#heard.get(rule);
    const isSame =
      before === undefined ||
      (before !== DIFFERENT && before.isMatched === isMatched && before.failedMatch === failedMatch);
    this.#heard.set(rule, isSame ? { isMatched, ...(failedMatch === undefined ? {} : { failedMatch }) } : DIFFERENT);
  }

  /** Whether another packet, or the same once more, met the same results. */
  equals(other: StatefulResults): boolean {
    if (this.#heard.size !== other.#heard.size) return false;
    for (const [rule, heard] of this.#heard) {
      const theirs = other.#heard.get(rule);
      if (theirs === undefined || heard === DIFFERENT || theirs === DIFFERENT) return false;
      if (theirs.isMatched !== heard.isMatched || theirs.failedMatch !== heard.failedMatch) return false;
    }
    return true;
  }

  /** The result of the test of RULE that its match number MATCH makes; undefined if it is not known. */
  readonly resultOf: StatefulResult = (rule, match) => {
    const heard = this.#heard.get(rule);
    return heard === undefined || heard === DIFFERENT ? undefined : heard.isMatched || heard.failedMatch !== match;
  };
}

const known = new WeakMap<Rule, readonly number[]>();
/** In place of a match: what cannot be followed, which never holds. */
const UNASKED = -1;

/** The positions of those of RULE's matches that depend on more than the packet, in the order in which they are asked. */
export function positionsOf(rule: Rule): readonly number[] {
  const { matches, unsupported } = rule;
  let positions = known.get(rule);
  if (positions === undefined) {
    positions = matches.slice(0, askedMatches(rule)).flatMap(({ extension, params }, at) => {
      const { native } = extension.lower(params);
      return native === undefined || native.check !== undefined ? [] : [at];
    });
    if (unsupported !== undefined) positions = [...positions, UNASKED];
    known.set(rule, positions);
  }
  return positions;
}

/** Whether MATCH looks packets up in sets. */
export function asksSets({ extension, params }: Match): boolean {
  return (extension.sets?.(params) ?? []).length > 0;
}

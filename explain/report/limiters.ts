/** Which matches of rules are limits, and whether a packet was over them. */
import type { RuleEvent } from '../../core/events.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';

/** Matches that limit packets, connections or bytes; recent, if it counts. */
const LIMITS = new Set(['limit', 'hashlimit', 'connlimit', 'quota', 'recent']);
/** With these words, the match is about what is over the limit. */
const ABOVE = /^ !| --(?:hashlimit-above|connlimit-above|hitcount) /;
const IS_LIMIT: Readonly<Record<string, RegExp>> = { recent: / --hitcount / };

/** A limit in a rule. */
export interface Limiter {
  /** Its position in the matches of the rule. */
  readonly match: number;
  /** As iptables-save writes it, without `-m`. */
  readonly text: string;
  /** Packets over the limit meet it, those below do not. */
  readonly isAbove: boolean;
}

/** The limits of the rules in RULESET that have any. */
export function limitersIn({ tables }: Ruleset): ReadonlyMap<Rule, readonly Limiter[]> {
  const found = new Map<Rule, readonly Limiter[]>();
  for (const { rules } of tables) {
    for (const rule of rules) {
      const limiters = limitersOf(rule);
      if (limiters.length > 0) found.set(rule, limiters);
    }
  }
  return found;
}

function limitersOf({ matches }: Rule): Limiter[] {
  return matches.flatMap(({ extension: { name, save }, params }, match): Limiter[] => {
    if (!LIMITS.has(name)) return [];
    const saved = save(params);
    if (IS_LIMIT[name]?.test(saved) === false) return [];
    return [{ match, text: `${name}${saved}`, isAbove: ABOVE.test(saved) }];
  });
}

/** Whether the packet of EVENT was over LIMITER, which the rule has. */
export function isOver({ match, isAbove }: Limiter, { isMatched, failedMatch }: RuleEvent): boolean {
  if (isMatched) return isAbove;
  return !isAbove && failedMatch === match;
}

/** What decided about packets, as people read it. */
import type { RulesSection, TraversalDecider } from '../../explain/report/format/model.js';

/** Where RULE is in the ruleset AT: its chain, and its number there from 1. Undefined: it is not. */
export function placeIn(rule: number, { rulesets, chains }: RulesSection, at: number) {
  for (const { chains: all } of rulesets[at].tables) {
    for (const chain of all) {
      const number = chains[chain].rules.indexOf(rule) + 1;
      if (number > 0) return { chain, number };
    }
  }
  return undefined;
}

/** Which ruleset there was at TIME_NS. */
export function rulesetAt({ rulesets }: RulesSection, timeNs: number): number {
  return Math.max(
    0,
    rulesets.findLastIndex(({ sinceNs }) => sinceNs <= timeNs),
  );
}

/** `filter FORWARD 3`: what iptables called it at TIME_NS, or as soon as it was there; if no time is said, at last. */
export function ruleText(rule: number, section: RulesSection, timeNs?: number): string {
  const { rulesets, rules, chains } = section;
  let place: { readonly chain: number; readonly number: number } | undefined;
  if (timeNs !== undefined && rulesets[1]) {
    for (let at = rulesetAt(section, timeNs); !place && rulesets[at]; at++) place = placeIn(rule, section, at);
  }
  const { chain, number } = place ?? rules[rule];
  return `${chains[chain].table} ${chains[chain].name} ${number}`;
}

/** `filter FORWARD 3`, `policy of filter INPUT`, or why the host did it. Empty if nothing decided. */
export function deciderText(decider: TraversalDecider, rules: RulesSection, timeNs?: number): string {
  switch (decider.kind) {
    case 'rule':
      return ruleText(decider.rule, rules, timeNs);
    case 'policy': {
      const { table, name } = rules.chains[decider.chain];
      return `policy of ${table} ${name}`;
    }
    case 'host':
      return decider.words;
    default:
      return '';
  }
}

/** What decided about packets, as people read it. */
import type { RulesSection, TraversalDecider } from '../../explain/report/format/model.js';

/** `filter FORWARD 3`. */
export function ruleText(rule: number, { rules, chains }: RulesSection): string {
  const { chain, number } = rules[rule];
  return `${chains[chain].table} ${chains[chain].name} ${number}`;
}

/** `filter FORWARD 3`, `policy of filter INPUT`, or why the host did it. Empty if nothing decided. */
export function deciderText(decider: TraversalDecider, rules: RulesSection): string {
  switch (decider.kind) {
    case 'rule':
      return ruleText(decider.rule, rules);
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

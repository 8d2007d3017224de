/** What rules counted of some packets, from the traversals that these took. */
import type { RulesSection, Traversal, TraversalStep, Words } from '../../../explain/report/format/model.js';
import { chainName } from './rule-map.js';

/** By the numbers of rules: how many packets were compared with each, and how many it matched. */
export interface RuleCounts {
  readonly asked: Float64Array;
  readonly matched: Float64Array;
  /** How many entered each chain, by `chainName`, whatever rules it had then. */
  readonly entered: ReadonlyMap<string, number>;
}

/** The same of the rules of SECTION, if PACKETS of them took each of TRAVERSALS. */
export function countRules(
  traversals: readonly Traversal[],
  packets: Float64Array,
  { rules, chains }: RulesSection,
): RuleCounts {
  const [asked, matched] = [new Float64Array(rules.length), new Float64Array(rules.length)];
  const entered = new Map<string, number>();
  const enter = (chain: number, count: number) => {
    const name = chainName(chains[chain]);
    entered.set(name, (entered.get(name) ?? 0) + count);
  };
  forEachStage(traversals, packets, (steps, count) => {
    let [table, depth] = ['', 0];
    for (const step of steps) {
      if (step.kind === 'rule') {
        const { rule, level } = step;
        asked[rule] += count;
        if (step.isMatched) matched[rule] += count;
        if (step.table !== table || level > depth) enter(rules[rule].chain, count);
        [table, depth] = [step.table, level];
      } else if (step.kind === 'policy' && step.table !== table) enter(step.chain, count);
    }
  });
  return { asked, matched, entered };
}

/** Why packets that were compared with a rule did not match it. */
export interface Miss {
  readonly words: string;
  readonly packets: number;
}

/** The conditions of RULE that failed, by how many of PACKETS failed them: one may fail several. */
export function missesOf(traversals: readonly Traversal[], packets: Float64Array, rule: number): Miss[] {
  const counts = new Map<string, number>();
  forEachStage(traversals, packets, (steps, count) => {
    for (const step of steps) {
      if (step.kind !== 'rule' || step.rule !== rule) continue;
      for (const failed of new Set(step.failed.map(withoutValues)))
        counts.set(failed, (counts.get(failed) ?? 0) + count);
    }
  });
  return [...counts].map(([words, count]) => ({ words, packets: count })).sort((a, b) => b.packets - a.packets);
}

/** `dport … is not 443`. */
function withoutValues(words: Words): string {
  return typeof words === 'string' ? words : words.map((part) => (typeof part === 'number' ? '…' : part)).join('');
}

function forEachStage(
  traversals: readonly Traversal[],
  packets: Float64Array,
  act: (steps: readonly TraversalStep[], packets: number) => void,
): void {
  const visit = ({ stages, related }: Traversal, count: number): void => {
    for (const { steps } of stages) act(steps, count);
    for (const one of related) visit(one, count);
  };
  for (let i = 0; i < traversals.length; i++) if (packets[i] > 0) visit(traversals[i], packets[i]);
}

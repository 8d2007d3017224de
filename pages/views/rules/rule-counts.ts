/** What rules counted of some packets, from the traversals that these took. */
import type { Traversal, TraversalRuleStep, Words } from '../../../explain/report/format/model.js';

/** By the numbers of rules: how many packets were compared with each, and how many it matched. */
export interface RuleCounts {
  readonly asked: Float64Array;
  readonly matched: Float64Array;
}

/** The same of RULES rules, if PACKETS of them took each of TRAVERSALS. */
export function countRules(traversals: readonly Traversal[], packets: Float64Array, rules: number): RuleCounts {
  const [asked, matched] = [new Float64Array(rules), new Float64Array(rules)];
  forEachStep(traversals, packets, ({ rule, isMatched }, count) => {
    asked[rule] += count;
    if (isMatched) matched[rule] += count;
  });
  return { asked, matched };
}

/** Why packets that were compared with a rule did not match it. */
export interface Miss {
  readonly words: string;
  readonly packets: number;
}

/** The conditions of RULE that failed, by how many of PACKETS failed them: one may fail several. */
export function missesOf(traversals: readonly Traversal[], packets: Float64Array, rule: number): Miss[] {
  const counts = new Map<string, number>();
  forEachStep(traversals, packets, (step, count) => {
    if (step.rule !== rule) return;
    for (const failed of new Set(step.failed.map(withoutValues))) counts.set(failed, (counts.get(failed) ?? 0) + count);
  });
  return [...counts].map(([words, count]) => ({ words, packets: count })).sort((a, b) => b.packets - a.packets);
}

/** `dport … is not 443`. */
function withoutValues(words: Words): string {
  return typeof words === 'string' ? words : words.map((part) => (typeof part === 'number' ? '…' : part)).join('');
}

function forEachStep(
  traversals: readonly Traversal[],
  packets: Float64Array,
  act: (step: TraversalRuleStep, packets: number) => void,
): void {
  const visit = ({ stages, related }: Traversal, count: number): void => {
    for (const { steps } of stages) for (const step of steps) if (step.kind === 'rule') act(step, count);
    for (const one of related) visit(one, count);
  };
  for (let i = 0; i < traversals.length; i++) if (packets[i] > 0) visit(traversals[i], packets[i]);
}

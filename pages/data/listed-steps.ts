/** The steps of a traversal as a list: long runs of rules that do not match are folded. */
import type { Traversal, TraversalStep } from '../../explain/report/format/model.js';

/** Numbers count through all stages. */
export interface ListedStep {
  readonly kind: 'step';
  readonly number: number;
  readonly step: TraversalStep;
}

export type ListedItem =
  | { readonly kind: 'hook'; readonly at: number; readonly hook: string }
  | ListedStep
  /** COUNT steps from NUMBER on. */
  | { readonly kind: 'folded'; readonly number: number; readonly count: number };

/** How many rules in a row may not match before they are folded, and how many of them are still shown. */
const LONG_RUN = 8;
const SHOWN = 3;

/** OPENED: the numbers of what is not folded. STEP, where somebody is, is never folded. */
export function listedSteps({ stages }: Traversal, opened: ReadonlySet<number>, step?: number): ListedItem[] {
  const items: ListedItem[] = [];
  let number = 0;
  for (const [at, { hook, steps }] of stages.entries()) {
    items.push({ kind: 'hook', at, hook: hook ?? 'Arrival' });
    for (let i = 0; i < steps.length; ) {
      const run = missedFrom(steps, i);
      const first = number + i + SHOWN;
      const end = number + i + run;
      const isFolded = run > LONG_RUN && !opened.has(first) && !(step !== undefined && step >= first && step < end);
      for (const shown = i + (isFolded ? SHOWN : Math.max(1, run)); i < shown; i++)
        items.push({ kind: 'step', number: number + i, step: steps[i] });
      if (!isFolded) continue;
      items.push({ kind: 'folded', number: first, count: end - first });
      i = end - number;
    }
    number += steps.length;
  }
  return items;
}

/** How many rules in a row do not match, from steps[AT] on. */
function missedFrom(steps: readonly TraversalStep[], at: number): number {
  let end = at;
  for (let step = steps[end]; step?.kind === 'rule' && !step.isMatched; step = steps[end]) end++;
  return end - at;
}

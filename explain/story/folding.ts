/** Which of the rules that a packet was tried against are worth a line: the others are folded. */
import { Verdict } from '../../core/hooks.js';
import type { RuleStep } from './story.js';

/**
 * A line about rules. folded: several that the packet missed, one after the other in one chain. passed: a rule that
 * sent it through chains in which nothing of interest happened, with how many it missed there.
 */
export type Item =
  | { readonly kind: 'rule'; readonly step: RuleStep }
  | { readonly kind: 'folded'; readonly steps: readonly RuleStep[] }
  | { readonly kind: 'passed'; readonly step: RuleStep; readonly rules: number };

export interface FoldOptions {
  readonly isUnfolded: boolean;
  /** Rules that are shown by themselves. */
  readonly isKept: (step: RuleStep) => boolean;
}

/** As few misses are shown one by one. */
const FEW = 2;

/** Fields whose value says more about a packet than which rules it missed because of it. */
const TELLING: readonly string[] = ['ctstate', 'ctinfo'];

/** The lines about TRIED, all rules of one table at one hook. */
export function itemsOf(tried: readonly RuleStep[], options: FoldOptions): Item[] {
  if (options.isUnfolded) return tried.map((step) => ({ kind: 'rule', step }));
  const items: Item[] = [];
  for (let at = 0; at < tried.length; ) {
    const step = tried[at];
    const inside = insideOf(tried, at);
    if (inside.length === 0 && isFoldable(step, options)) {
      const run = runOf(tried, at, options);
      if (run.length > FEW) items.push({ kind: 'folded', steps: run });
      else for (const one of run) items.push({ kind: 'rule', step: one });
      at += run.length;
    } else if (isPassage(step) && isPassedOver(inside, options)) {
      items.push({ kind: 'passed', step, rules: inside.filter(({ isMatched }) => !isMatched).length });
      at += 1 + inside.length;
    } else {
      items.push({ kind: 'rule', step });
      at++;
    }
  }
  return items;
}

/** What the packet met in the chains to which the rule at AT sent it. */
function insideOf(tried: readonly RuleStep[], at: number): readonly RuleStep[] {
  const { level } = tried[at];
  let end = at + 1;
  while (end < tried.length && tried[end].level > level) end++;
  return tried.slice(at + 1, end);
}

/** Whether nothing of interest happened INSIDE chains, and telling that takes fewer lines than showing it. */
function isPassedOver(inside: readonly RuleStep[], options: FoldOptions): boolean {
  if (!inside.every((one) => isQuiet(one, options))) return false;
  const misses = inside.filter(({ isMatched }) => !isMatched).length;
  return misses === 0 || misses > FEW;
}

/** The misses from AT on in the same chain. */
function runOf(tried: readonly RuleStep[], at: number, options: FoldOptions): readonly RuleStep[] {
  const { chain } = tried[at].rule;
  let end = at + 1;
  while (end < tried.length && tried[end].rule.chain === chain && isFoldable(tried[end], options)) end++;
  return tried.slice(at, end);
}

function isFoldable(step: RuleStep, { isKept }: FoldOptions): boolean {
  const { isMatched, isHotdrop, failures, rule } = step;
  if (isMatched || isHotdrop || rule.unsupported !== undefined || isKept(step)) return false;
  return !TELLING.includes(failures[0]?.field ?? '');
}

function isPassage({ isMatched, rule: { target } }: RuleStep): boolean {
  return isMatched && (target.kind === 'jump' || target.kind === 'goto');
}

/** Whether nothing of interest happened at STEP: a miss, a way through chains, or their end. */
function isQuiet(step: RuleStep, { isKept }: FoldOptions): boolean {
  const { isMatched, isHotdrop, rule, effects } = step;
  if (isHotdrop || rule.unsupported !== undefined || isKept(step)) return false;
  if (!isMatched || isPassage(step)) return true;
  const { target, base, matches } = rule;
  const isReturn = target.kind === 'verdict' && target.verdict === Verdict.RETURN;
  return (
    isReturn && effects.length === 0 && matches.length === 0 && Object.values(base).every((part) => part === undefined)
  );
}

/** Which ends of packets the rules ask for that decided about one. */
import type { ValueField } from '../../core/fields.js';
import { ruleReads } from '../../core/rules/lower.js';
import { rulesTried, type Story } from '../story/story.js';

const ENDS = ['source', 'destination'] as const;
/** What a class of packets has in common anyway. */
const SHARED: ReadonlySet<unknown> = new Set<ValueField>(['inDev', 'outDev', 'protocol']);

/**
 * The ends by which packets like that of STORY may meet another fate: of a rule that it matched or was dropped by, or missed for no reason
 * that all of them share.
 */
export function endsAsked(story: Story): ReadonlySet<ValueField> {
  const asked = new Set<ValueField>();
  for (const { rule, isMatched, isHotdrop, failures } of rulesTried(story)) {
    const isAsked = isMatched || isHotdrop;
    if (!isAsked && failures.some(({ field }) => SHARED.has(field))) continue;
    const reads = ruleReads(rule);
    for (const end of ENDS) if (isAsked ? reads.has(end) : failures.some(({ field }) => field === end)) asked.add(end);
  }
  return asked;
}

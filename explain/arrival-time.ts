/** When packets come of which nobody has said when, for rules that look at the time. */
import type { RuleEvent } from '../core/events.js';
import { rulesTried, type Story } from './story/story.js';

/** Noon (UTC) of a Wednesday, in seconds since 1970. */
export const ARRIVAL_SEC = 1_767_182_400;
/** That it was chosen. */
export const ARRIVAL_TIME = 'the time: Wed 2025-12-31 12:00 UTC';

/** What was chosen about the time of STORY, if a rule asked for it. */
export function chosenTime(story: Story): string[] {
  const isAsked = rulesTried(story).some(({ rule, isMatched, failures }) =>
    asksTime({ rule, isMatched, failedMatch: failures[0]?.match }),
  );
  return isAsked ? [ARRIVAL_TIME] : [];
}

/** Whether the test of `-m time` in a rule was asked. */
export function asksTime({
  rule,
  isMatched,
  failedMatch = -1,
}: Pick<RuleEvent, 'rule' | 'isMatched'> & { readonly failedMatch?: number | undefined }): boolean {
  return rule.matches.some(({ extension }, at) => extension.name === 'time' && (isMatched || at <= failedMatch));
}

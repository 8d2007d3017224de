/** What decisions mean, wherever their rules are: to tell whether two hosts decided for the same reason. */
import { HOOK_NAMES, VERDICT_NAMES } from '../../core/hooks.js';
import { meaningOf } from '../../core/rules/rule-meaning.js';
import type { DecidedBy } from './differences.js';

export class DecisionMeanings {
  readonly #known = new Map<object, string>();

  /** The same text for decisions that mean the same. */
  of(decision: DecidedBy): string {
    if (decision === undefined) return '';
    let meaning = this.#known.get(decision);
    if (meaning === undefined) {
      meaning = describe(decision);
      this.#known.set(decision, meaning);
    }
    return meaning;
  }
}

function describe(decision: NonNullable<DecidedBy>): string {
  const { table = '', rule, policy } = decision;
  if (rule !== undefined) return `${table}${meaningOf(rule)}`;
  if (policy === undefined) return 'reason' in decision ? decision.reason : table;
  return `${table} ${policy.hook === undefined ? '' : HOOK_NAMES[policy.hook]} ${VERDICT_NAMES[policy.policy]}`;
}

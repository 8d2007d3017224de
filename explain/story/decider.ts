/** What decided about a packet, and how that is said. */
import { type DropCause, describeCause } from '../../core/drop.js';
import { HOOK_NAMES, Hook, type HookName } from '../../core/hooks.js';
import { REASONS } from '../../core/reasons.js';
import type { Decider, PolicyDecider, RuleDecider } from './story.js';

/** Who decided that a packet is dropped for CAUSE. */
export function deciderOfDrop(cause: DropCause): Decider {
  const { reason, table, rule, policy, entry } = cause;
  const hook: HookName | undefined = cause.hook === undefined ? undefined : HOOK_NAMES[cause.hook];
  if (table !== undefined && policy !== undefined)
    return { kind: 'policy', hook: hook ?? HOOK_NAMES[policy.hook ?? Hook.PREROUTING], table, chain: policy };
  if (table !== undefined && rule !== undefined && hook !== undefined)
    return { kind: 'rule', hook, table, rule, ...(reason === 'rule' ? {} : { reason }) } as RuleDecider;
  if (entry !== undefined) return { kind: 'entry', entry, ...(hook === undefined ? {} : { hook }) };
  return {
    kind: 'host',
    reason,
    ...(hook === undefined ? {} : { hook }),
    ...(table === undefined ? {} : { table }),
  };
}

/**
 * DECIDER as summaries write it: `rules.v4:41`, `policy of filter FORWARD (rules.v4:15)`, `no rule`, or why the host
 * did it without rules (`rp_filter`).
 */
export function formatDecider(decider: Decider): string {
  switch (decider.kind) {
    case 'rule':
      return `${decider.rule.file}:${decider.rule.line}`;
    case 'policy':
      return formatPolicy(decider);
    case 'host':
      return REASONS[decider.reason];
    case 'entry':
      return decider.entry;
    case 'link':
      return decider.skip;
    default:
      return 'no rule';
  }
}

function formatPolicy({ table, chain }: PolicyDecider): string {
  return describeCause({ reason: 'policy', table, policy: chain });
}

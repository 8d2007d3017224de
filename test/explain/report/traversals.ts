/** Traversals for tests: filter has the rules 0 to 9 and the chains 0 and 1, nat all others. */
import type { HookName, TableName } from '../../../core/hooks.js';
import { courseOf } from '../../../explain/report/course.js';
import type { RelatedTraversal, Traversal, TraversalStep } from '../../../explain/report/format/model.js';

const TABLES = {
  ofRule: (rule: number): TableName => (rule < 10 ? 'filter' : 'nat'),
  ofChain: (chain: number): TableName => (chain < 2 ? 'filter' : 'nat'),
};

export const TRACKED: TraversalStep = { kind: 'tracked', ctstate: 'NEW', words: 'NEW', isInvalid: false };
export const DROPPED: TraversalStep = { kind: 'dropped', words: 'dropped' };

export function rule(number: number, isMatched = true): TraversalStep {
  const table = TABLES.ofRule(number);
  return { kind: 'rule', table, rule: number, level: 0, isMatched, failed: [], effects: [] };
}

export function policy(chain: number): TraversalStep {
  return { kind: 'policy', table: TABLES.ofChain(chain), chain };
}

export function routed(to: 'host' | 'interface' | 'nowhere', dev?: number): TraversalStep {
  return { kind: 'routed', to, words: '', ...(dev === undefined ? {} : { dev }) };
}

/** One that came by interface IN_DEV, with STAGES: the hook (undefined: before the first), and its steps. */
export function traversal(
  inDev: number,
  verdict: Traversal['verdict'],
  stages: readonly (readonly [HookName | undefined, ...TraversalStep[]])[],
  more: Partial<RelatedTraversal> = {},
): Traversal {
  const led = {
    verdict,
    inDev,
    decider: { kind: 'none' } as const,
    stages: stages.map(([hook, ...steps]) => ({ ...(hook && { hook }), steps })),
    related: [],
    uncertain: [],
    ...more,
  };
  const { decider } = led;
  const table =
    decider.kind === 'rule'
      ? TABLES.ofRule(decider.rule)
      : decider.kind === 'policy'
        ? TABLES.ofChain(decider.chain)
        : undefined;
  return { ...led, course: courseOf(led, table) };
}

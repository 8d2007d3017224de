/** Traversals for tests: filter has the rules 0 to 9 and the chains 0 and 1, nat all others. */
import type { HookName } from '../../../core/hooks.js';
import type { Tables } from '../../../explain/report/format/course.js';
import type { Traversal, TraversalStep } from '../../../explain/report/format/model.js';

export const TABLES: Tables = {
  ofRule: (rule) => (rule < 10 ? 'filter' : 'nat'),
  ofChain: (chain) => (chain < 2 ? 'filter' : 'nat'),
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
  more: Partial<Traversal> = {},
): Traversal {
  return {
    verdict,
    inDev,
    decider: { kind: 'none' },
    stages: stages.map(([hook, ...steps]) => ({ ...(hook && { hook }), steps })),
    related: [],
    uncertain: [],
    ...more,
  };
}

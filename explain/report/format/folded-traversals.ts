/**
 * Traversals as sections hold them: what several have in common at the beginning of a hook is told once. Packets that
 * each match another one of thousands of rules would else have millions of steps.
 */
import type { HookName } from '../../../core/hooks.js';
import type { RelatedTraversal, Traversal, TraversalStep } from './model.js';

/** A step, and the position of the one before it in its stage; -1: it is the first one. */
export type FoldedStep = readonly [before: number, step: TraversalStep];

export interface FoldedStage {
  readonly hook?: HookName;
  /** The position of its last step; -1: it has none. */
  readonly last: number;
}

export type Folded<T extends Traversal> = Omit<T, 'stages' | 'related'> & {
  readonly stages: readonly FoldedStage[];
  readonly related: readonly Folded<RelatedTraversal>[];
};
export type FoldedTraversal = Folded<Traversal>;

/** A section. Positions of steps count those of the sections before as well. */
export interface TraversalChunk {
  /** Those that came with its traversals. */
  readonly steps: readonly FoldedStep[];
  readonly traversals: readonly FoldedTraversal[];
}

/** The traversals in CHUNKS, which are all, in order. They share their steps. */
export function traversalsIn(chunks: readonly TraversalChunk[]): Traversal[] {
  const all = chunks.flatMap(({ steps }) => steps);
  const unfolded = <T extends Traversal>(traversal: Folded<T>): T =>
    ({
      ...traversal,
      stages: traversal.stages.map(({ last, ...stage }) => {
        const steps: TraversalStep[] = [];
        for (let at = last; at >= 0; [at] = all[at]) steps.push(all[at][1]);
        return { ...stage, steps: steps.reverse() };
      }),
      related: traversal.related.map(unfolded),
    }) as unknown as T;
  return chunks.flatMap(({ traversals }) => traversals.map(unfolded<Traversal>));
}

/**
 * Traversals as sections hold them: what several have in common at the beginning of a hook is told once. Packets that
 * each match another one of thousands of rules would else have millions of steps.
 */
import type { HookName } from '../../../core/hooks.js';
import type { RelatedTraversal, Traversal, TraversalStep } from './model.js';

export interface FoldedStage {
  readonly hook?: HookName;
  /** The place of its last step in the paths; -1: it has none. */
  readonly last: number;
}

export type Folded<T extends Traversal> = Omit<T, 'stages' | 'related'> & {
  readonly stages: readonly FoldedStage[];
  readonly related: readonly Folded<RelatedTraversal>[];
};
export type FoldedTraversal = Folded<Traversal>;

/** A section: what came with its traversals. Numbers count what is in the sections before as well. */
export interface TraversalChunk {
  readonly steps: readonly TraversalStep[];
  /** Of each place in a path, the place before it, -1 for the first one of a stage, and the number of its step. */
  readonly paths: readonly number[];
  readonly traversals: readonly FoldedTraversal[];
}

/** The traversals in CHUNKS, which are all, in order. They share their steps. */
export function traversalsIn(chunks: readonly TraversalChunk[]): Traversal[] {
  const all = chunks.flatMap(({ steps }) => steps);
  const paths = chunks.flatMap((chunk) => chunk.paths);
  const unfolded = <T extends Traversal>(traversal: Folded<T>): T =>
    ({
      ...traversal,
      stages: traversal.stages.map(({ last, ...stage }) => {
        const steps: TraversalStep[] = [];
        for (let at = last; at >= 0; at = paths[at * 2]) steps.push(all[paths[at * 2 + 1]]);
        return { ...stage, steps: steps.reverse() };
      }),
      related: traversal.related.map(unfolded),
    }) as unknown as T;
  return chunks.flatMap(({ traversals }) => traversals.map(unfolded<Traversal>));
}

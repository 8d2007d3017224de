/** hot: in which way two hosts treated a packet differently, from what is noted of it (replay/fates). */
import { Outcome } from '../../core/outcome.js';
import { Detail, DetailFlag } from '../../replay/fates/fate-recorder.js';
import type { DifferenceKind } from './kinds.js';

/** Details of packets, and where those of one start; below 0: it did not arrive. */
export interface DetailsAt {
  details: Int32Array;
  at: number;
}

/**
 * How OLD and OTHER differ, which are about the same packet and not the same; undefined: only by a port that NAT drew
 * at random on both sides. IS_SAME_HOP: they left to the same neighbour.
 */
export function kindOf(old: DetailsAt, other: DetailsAt, isSameHop: boolean): DifferenceKind | undefined {
  if (old.at < 0 || other.at < 0) return 'arriving-differently';
  const [before, now] = [wordOf(old, Detail.OUTCOME), wordOf(other, Detail.OUTCOME)];
  const [wasLetThrough, isLetThrough] = [isThrough(before), isThrough(now)];
  if (wasLetThrough !== isLetThrough) return wasLetThrough ? 'newly-dropped' : 'newly-accepted';
  if (!isLetThrough) return 'answered-differently';
  if (before === Outcome.HELD || now === Outcome.HELD) return 'changed-differently';
  const isRouted = !isSame(old, other, Detail.OUT_DEV, Detail.OUT_DEV) || !isSameHop;
  if (!isSame(old, other, Detail.OUT_SOURCE, Detail.OUT_DESTINATION)) return 'translated-differently';
  if (isSame(old, other, Detail.OUT_PORTS, Detail.OUT_PORTS))
    return isRouted ? 'routed-differently' : 'changed-differently';
  const areDrawn = (wordOf(old, Detail.FLAGS) & wordOf(other, Detail.FLAGS) & DetailFlag.DRAWN) !== 0;
  return areDrawn && !isRouted ? undefined : 'translated-differently';
}

/** Word NUMBER of the details. */
function wordOf({ details, at }: DetailsAt, number: number): number {
  return details[at + number];
}

/** A fragment that waits is let through, as far as it has come. */
function isThrough(outcome: number): boolean {
  return outcome !== Outcome.DROPPED && outcome !== Outcome.REJECTED;
}

/** Whether the words from FIRST to LAST are the same. */
function isSame(old: DetailsAt, other: DetailsAt, first: number, last: number): boolean {
  for (let word = first; word <= last; word++) if (wordOf(old, word) !== wordOf(other, word)) return false;
  return true;
}

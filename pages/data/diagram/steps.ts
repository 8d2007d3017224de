/** The steps of a traversal, counted through all of its stages, and where in its course they are. */
import type { Stop } from '../../../explain/report/format/course.js';
import type { Traversal, TraversalStep } from '../../../explain/report/format/model.js';

/** All steps of TRAVERSAL, in order. */
export function stepsOf({ stages }: Traversal): TraversalStep[] {
  return stages.flatMap(({ steps }) => steps);
}

/** The position in COURSE, that of TRAVERSAL, where its step NUMBER is. The last one: there is no such step. */
export function stopOfStep(course: readonly Stop[], traversal: Traversal, number: number): number {
  const firsts = firstSteps(traversal);
  const at = course.findIndex(({ stage, from, to }) => {
    const first = firsts[stage];
    return stage >= 0 && number >= first + from && number < first + to;
  });
  return at < 0 ? course.length - 1 : at;
}

/** The number of the first step in PLACE, or behind it where PLACE has none; undefined: COURSE does not lead there. */
export function stepInPlace(course: readonly Stop[], traversal: Traversal, place: string): number | undefined {
  const at = course.findIndex((stop) => stop.place === place || stop.station === place);
  if (at < 0) return undefined;
  const firsts = firstSteps(traversal);
  const stop = course.slice(at).find(({ stage }) => stage >= 0);
  return stop && firsts[stop.stage] + stop.from;
}

/** Of each stage, the number of its first step. */
function firstSteps({ stages }: Traversal): number[] {
  let next = 0;
  return stages.map(({ steps }) => {
    const first = next;
    next += steps.length;
    return first;
  });
}

/** Where in its course the steps of a traversal are, counted through all of its stages. */
import type { Stop } from '../../../explain/report/format/places.js';

/** The position in COURSE where step NUMBER is. The last one: there is no such step. */
export function stopOfStep(course: readonly Stop[], number: number): number {
  const at = course.findIndex(({ from, to }) => from <= number && number < to);
  return at < 0 ? course.length - 1 : at;
}

/** The number of the first step in PLACE, or behind it where it is only passed; undefined: COURSE does not lead there. */
export function stepInPlace(course: readonly Stop[], place: string): number | undefined {
  return course.find((stop) => stop.place === place || stop.station === place)?.from;
}

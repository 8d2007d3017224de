/** Where times are on the charts, and what they are called. */
import type { TimeAxis } from '../../data/time-folding.js';
import { type StartTime, tickStep, timeWords } from '../../words/time-ticks.js';

export interface ChartPlace {
  readonly axis: TimeAxis;
  /** The part of the axis that is seen, over INNER pixels. */
  readonly from: number;
  readonly to: number;
  readonly inner: number;
  /** When the first packet came; undefined: times since then are written. */
  readonly start: StartTime | undefined;
}

/** Room for the numbers left of the charts, and right of them. */
export const LEFT = 58;
export const RIGHT = 14;

/** How many pixels TIME_NS is from the left end. */
export function pixelOf({ axis, from, to, inner }: ChartPlace, timeNs: number): number {
  return ((axis.toPlace(timeNs) - from) / (to - from)) * inner;
}

/** The time so many PIXELS from the left end, of what is seen. */
export function timeAt({ axis, from, to, inner }: ChartPlace, pixels: number): number {
  return axis.toTime(from + (Math.max(0, Math.min(pixels, inner)) / inner) * (to - from));
}

/** A time as precise as the chart shows it. */
export function wordsOf({ from, to, inner, start }: ChartPlace, timeNs: number): string {
  return timeWords(timeNs, tickStep((to - from) / inner), start);
}

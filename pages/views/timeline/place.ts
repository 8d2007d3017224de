/** Where times are on the charts, and what they are called. */
import type { TimeAxis } from '../../data/time-folding.js';
import { type StartTime, sinceStart, tickStep, timeOfDay } from '../../words/time-ticks.js';

export interface ChartPlace {
  readonly axis: TimeAxis;
  /** The part of the axis that is seen, over INNER pixels. */
  readonly from: number;
  readonly to: number;
  readonly inner: number;
  /** As in PlotFrame. */
  readonly start: StartTime | undefined;
}

/** How many pixels TIME_NS is from the left end. */
export function pixelOf({ axis, from, to, inner }: ChartPlace, timeNs: number): number {
  return ((axis.toPlace(timeNs) - from) / (to - from)) * inner;
}

/** The time so many PIXELS from the left end, of what is seen. */
export function timeAt({ axis, from, to, inner }: ChartPlace, pixels: number): number {
  return axis.toTime(from + (Math.max(0, Math.min(pixels, inner)) / inner) * (to - from));
}

/** A time as precise as the chart shows it. */
export function timeWords({ from, to, inner, start }: ChartPlace, timeNs: number): string {
  const step = tickStep((to - from) / inner);
  return start === undefined ? sinceStart(timeNs, step) : timeOfDay(timeNs, step, start, false);
}

/** The axis of a timeline, on which long silences may take little room. */

/** Nothing happens from and to these times, in nanoseconds from the first packet. */
export type Silence = readonly [from: number, to: number];

export interface TimeAxis {
  /** The first and the last place on the axis. */
  readonly min: number;
  readonly max: number;
  /** What takes less room than its time. */
  readonly folded: readonly Silence[];
  toPlace(timeNs: number): number;
  toTime(place: number): number;
}

/** A silence of less than this part of the whole is not worth folding; a folded one takes as much of the axis. */
const LEAST_PART = 0.04;
const FOLDED_PART = 0.03;
const MOST_FOLDED = 12;

/** Silences are folded at first where they are more than this part of the whole: one can hardly see the rest. */
const HIDING_PART = 2 / 3;

export interface Silences {
  readonly list: readonly Silence[];
  /** They hide what is between them. */
  readonly areLong: boolean;
}

/** The silences in BINS, which are the numbers of those with something in them, in order. */
export function silencesIn(bins: ArrayLike<number>, binNs: number): Silences {
  const all = bins.length === 0 ? 0 : (bins[bins.length - 1] + 1 - bins[0]) * binNs;
  const found: Silence[] = [];
  for (let i = 1; i < bins.length; i++) {
    const [from, to] = [(bins[i - 1] + 1) * binNs, bins[i] * binNs];
    if (to - from > all * LEAST_PART) found.push([from, to]);
  }
  const list = found.sort((a, b) => b[1] - b[0] - (a[1] - a[0])).slice(0, MOST_FOLDED);
  const silent = list.reduce((sum, [from, to]) => sum + to - from, 0);
  return { list: list.sort((a, b) => a[0] - b[0]), areLong: silent > all * HIDING_PART };
}

/** An axis from FROM to TO on which each of FOLDED, in order, is narrow. */
export function timeAxis(from: number, to: number, folded: readonly Silence[]): TimeAxis {
  const silent = folded.reduce((sum, [start, end]) => sum + end - start, 0);
  const room = Math.max(1, (to - from - silent) * FOLDED_PART);
  // Corners of the line from times to places.
  const times = [from];
  const places = [from];
  let saved = 0;
  for (const [start, end] of folded) {
    times.push(start, end);
    places.push(start - saved);
    saved += Math.max(0, end - start - room);
    places.push(end - saved);
  }
  times.push(to);
  places.push(to - saved);
  return {
    min: from,
    max: to - saved,
    folded,
    toPlace: (timeNs) => between(times, places, timeNs),
    toTime: (place) => between(places, times, place),
  };
}

/** The value at X of the line through (XS, YS); beyond its ends it goes on by the same steps as X. */
function between(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1;
  if (x <= xs[0]) return ys[0] + x - xs[0];
  if (x >= xs[last]) return ys[last] + x - xs[last];
  let i = 1;
  while (xs[i] < x) i++;
  const width = xs[i] - xs[i - 1];
  return width === 0 ? ys[i] : ys[i - 1] + ((x - xs[i - 1]) / width) * (ys[i] - ys[i - 1]);
}

/**
 * hot: split lists, which find the rules of a long chain that one field of a packet does not rule out.
 *
 * The ends of all the rules' ranges cut the field's values into elementary intervals; within one, each rule either takes
 * every value or none. So each interval has a list of the rules that take it, in the order of the chain, and a value's list
 * is found by its interval: by the value's leading bits, and a binary search among the few intervals that share them.
 */

/** Values of a field, as unsigned numbers of up to 32 bits, both ends inclusive. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Ranges of one field, each with the position in the chain of the rule that takes it, by ascending position. Ranges of one
 * rule are apart from each other.
 */
export interface ListedRanges {
  readonly positions: Int32Array;
  readonly mins: Uint32Array;
  readonly maxes: Uint32Array;
}

const MAX_ROOT_BITS = 16;

/** The lists of one field. */
export class SplitLists {
  /** Where each interval starts. */
  readonly #starts: Uint32Array;
  /** Where the list of each interval starts in `positions`, and behind the last one where that ends. */
  readonly offsets: Int32Array;
  /** The lists, one after the other; each ascending. */
  readonly positions: Int32Array;
  readonly #lowest: number;
  readonly #shift: number;
  /** The interval of the lowest value of each block of 2^shift values from `#lowest` on. */
  readonly #root: Int32Array;

  /** Of those RANGES whose number WHICH takes. STARTS are their cuts (`cutValues`), and SPANS what these make of them. */
  constructor({ positions }: ListedRanges, starts: Uint32Array, spans: Int32Array, which: (range: number) => boolean) {
    this.#starts = starts;
    this.#lowest = starts.length > 1 ? starts[1] : 0;
    const span = starts[starts.length - 1] - this.#lowest;
    const spanBits = 32 - Math.clz32(span);
    const rootBits = Math.min(MAX_ROOT_BITS, spanBits, 32 - Math.clz32(starts.length));
    this.#shift = spanBits - rootBits;
    this.#root = this.#makeRoot(2 ** rootBits);

    const intervals = starts.length;
    this.offsets = new Int32Array(intervals + 1);
    for (let range = 0; range < positions.length; range++) {
      if (which(range)) for (let i = spans[2 * range]; i <= spans[2 * range + 1]; i++) this.offsets[i + 1]++;
    }
    for (let i = 0; i < intervals; i++) this.offsets[i + 1] += this.offsets[i];
    const next = this.offsets.slice();
    this.positions = new Int32Array(this.offsets[intervals]);
    for (let range = 0; range < positions.length; range++) {
      if (!which(range)) continue;
      for (let i = spans[2 * range]; i <= spans[2 * range + 1]; i++) this.positions[next[i]++] = positions[range];
    }
  }

  /** The interval of VALUE (unsigned). */
  find(value: number): number {
    const starts = this.#starts;
    if (value < this.#lowest) return 0;
    const block = (value - this.#lowest) >>> this.#shift;
    const root = this.#root;
    if (block >= root.length - 1) return starts.length - 1;
    return searchInterval(starts, value, root[block], root[block + 1]);
  }

  #makeRoot(blocks: number): Int32Array {
    const starts = this.#starts;
    const root = new Int32Array(blocks + 1);
    let interval = 0;
    for (let block = 0; block <= blocks; block++) {
      const lowest = this.#lowest + block * 2 ** this.#shift;
      while (interval + 1 < starts.length && starts[interval + 1] <= lowest) interval++;
      root[block] = interval;
    }
    return root;
  }
}

/** The cuts that RANGES make: where each elementary interval starts, from 0 on, ascending. */
export function cutValues({ mins, maxes }: ListedRanges): Uint32Array {
  const count = mins.length;
  const starts = new Uint32Array(2 * count + 1);
  starts.set(mins);
  // Behind the highest value of 32 bits comes 0, which is there already.
  for (let i = 0; i < count; i++) starts[count + i] = maxes[i] + 1;
  starts.sort();
  let distinct = 1;
  for (let i = 1; i < starts.length; i++) if (starts[i] !== starts[i - 1]) starts[distinct++] = starts[i];
  return starts.slice(0, distinct);
}

/** Of each of RANGES the first and the last of the intervals that begin at STARTS, their cuts. */
export function spanIntervals({ mins, maxes }: ListedRanges, starts: Uint32Array): Int32Array {
  const spans = new Int32Array(2 * mins.length);
  const last = starts.length - 1;
  for (let i = 0; i < mins.length; i++) {
    const first = searchInterval(starts, mins[i], 0, last);
    const isSingle = first === last || maxes[i] < starts[first + 1];
    spans[2 * i] = first;
    spans[2 * i + 1] = isSingle ? first : searchInterval(starts, maxes[i], first + 1, last);
  }
  return spans;
}

/** The interval of VALUE among those that begin at STARTS; it is known to be LOW, HIGH or between. */
function searchInterval(starts: Uint32Array, value: number, low: number, high: number): number {
  let [first, last] = [low, high];
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (starts[middle] <= value) first = middle;
    else last = middle - 1;
  }
  return first;
}

/** RANGES in any order, overlapping or not, ascending and apart. */
export function normalRanges(ranges: readonly ValueRange[]): ValueRange[] {
  const sorted = [...ranges].sort((a, b) => a.min - b.min);
  const apart: { min: number; max: number }[] = [];
  for (const { min, max } of sorted) {
    const last = apart[apart.length - 1];
    if (last !== undefined && min <= last.max + 1) last.max = Math.max(last.max, max);
    else apart.push({ min, max });
  }
  return apart;
}

/** All values of 0–HIGHEST that are not in RANGES (ascending and apart). */
export function otherRanges(ranges: readonly ValueRange[], highest: number): ValueRange[] {
  const others: ValueRange[] = [];
  let min = 0;
  for (const range of ranges) {
    if (range.min > min) others.push({ min, max: range.min - 1 });
    min = range.max + 1;
  }
  if (min <= highest) others.push({ min, max: highest });
  return others;
}

/** The values that are in both A (undefined: all values) and B (both ascending and apart). */
export function commonRanges(a: readonly ValueRange[] | undefined, b: readonly ValueRange[]): readonly ValueRange[] {
  if (a === undefined) return b;
  return a.flatMap((one) =>
    b
      .map((other) => ({ min: Math.max(one.min, other.min), max: Math.min(one.max, other.max) }))
      .filter(({ min, max }) => min <= max),
  );
}

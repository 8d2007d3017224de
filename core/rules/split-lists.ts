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

/** A rule as a list holds it: its position in the chain, and the values it takes, ascending and apart from each other. */
export interface ListedRule {
  readonly position: number;
  readonly ranges: readonly ValueRange[];
}

const MAX_ROOT_BITS = 16;

/** The cuts that RULES make: where each elementary interval starts, from 0 on, ascending. */
export function cutValues(rules: readonly ListedRule[]): Uint32Array {
  const sorted = new Uint32Array(1 + 2 * countRanges(rules));
  let at = 1;
  for (const { ranges } of rules) {
    for (const { min, max } of ranges) {
      sorted[at++] = min;
      // Behind the last value there is none: its 0 is there already.
      sorted[at++] = max + 1;
    }
  }
  sorted.sort();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i];
  return sorted.slice(0, count);
}

/** The lists of one field. Rules whose ranges span very many intervals belong into lists of their own (see `splitLists`). */
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

  /** RULES in the order of their positions, and their cuts. */
  constructor(rules: readonly ListedRule[], starts: Uint32Array) {
    this.#starts = starts;
    this.#lowest = starts.length > 1 ? starts[1] : 0;
    const span = starts[starts.length - 1] - this.#lowest;
    const spanBits = 32 - Math.clz32(span);
    const rootBits = Math.min(MAX_ROOT_BITS, spanBits, 32 - Math.clz32(starts.length));
    this.#shift = spanBits - rootBits;
    this.#root = this.#makeRoot(2 ** rootBits);
    [this.offsets, this.positions] = makeLists(rules, starts);
  }

  /** The interval of VALUE (unsigned). */
  find(value: number): number {
    const starts = this.#starts;
    if (value < this.#lowest) return 0;
    const block = (value - this.#lowest) >>> this.#shift;
    const root = this.#root;
    if (block >= root.length - 1) return starts.length - 1;
    let low = root[block];
    let high = root[block + 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle] <= value) low = middle;
      else high = middle - 1;
    }
    return low;
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

function makeLists(rules: readonly ListedRule[], starts: Uint32Array): [offsets: Int32Array, positions: Int32Array] {
  const intervals = starts.length;
  const offsets = new Int32Array(intervals + 1);
  const spans = intervalsOf(rules, starts);
  for (let at = 0; at < spans.length; at += 2) {
    for (let i = spans[at]; i <= spans[at + 1]; i++) offsets[i + 1]++;
  }
  for (let i = 0; i < intervals; i++) offsets[i + 1] += offsets[i];
  const positions = new Int32Array(offsets[intervals]);
  const next = offsets.slice();
  let span = 0;
  for (const { position, ranges } of rules) {
    for (let i = 0; i < ranges.length; i++, span += 2) {
      for (let interval = spans[span]; interval <= spans[span + 1]; interval++) positions[next[interval]++] = position;
    }
  }
  return [offsets, positions];
}

/** Of each range of RULES, one after the other, the first and the last of the intervals that begin at STARTS. */
export function intervalsOf(rules: readonly ListedRule[], starts: Uint32Array): Int32Array {
  const spans = new Int32Array(2 * countRanges(rules));
  let at = 0;
  for (const { ranges } of rules) {
    for (const { min, max } of ranges) {
      const first = intervalOf(starts, min);
      spans[at++] = first;
      const isSingle = first + 1 === starts.length || max < starts[first + 1];
      spans[at++] = isSingle ? first : intervalOf(starts, max);
    }
  }
  return spans;
}

function countRanges(rules: readonly ListedRule[]): number {
  let count = 0;
  for (const { ranges } of rules) count += ranges.length;
  return count;
}

/** The interval of VALUE among those that begin at STARTS. */
function intervalOf(starts: Uint32Array, value: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (starts[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** RANGES in any order, overlapping or not, as `ListedRule` has them. */
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

/** The values that are in both A (undefined: all values) and B. */
export function commonRanges(a: readonly ValueRange[] | undefined, b: readonly ValueRange[]): readonly ValueRange[] {
  if (a === undefined) return b;
  return a.flatMap((one) =>
    b
      .map((other) => ({ min: Math.max(one.min, other.min), max: Math.min(one.max, other.max) }))
      .filter(({ min, max }) => min <= max),
  );
}

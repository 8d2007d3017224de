/** Sets of values as ranges. */

/** Field values: unsigned numbers of up to 32 bits, both ends inclusive. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** Sorts RANGES, which may be in any order and overlap, and merges them. */
export function normalRanges(ranges: readonly ValueRange[]): readonly ValueRange[] {
  if (ranges.length <= 1) return ranges;
  const sorted = [...ranges].sort((a, b) => a.min - b.min);
  const apart: { min: number; max: number }[] = [];
  for (const { min, max } of sorted) {
    const last = apart[apart.length - 1];
    if (last !== undefined && min <= last.max + 1) last.max = Math.max(last.max, max);
    else apart.push({ min, max });
  }
  return apart;
}

/** The complement: all values from 0 to HIGHEST that are not in RANGES (ascending and disjoint). */
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

/** The intersection of A and B (both ascending and disjoint). */
export function commonRanges(a: readonly ValueRange[], b: readonly ValueRange[]): readonly ValueRange[] {
  const common: ValueRange[] = [];
  let first = 0;
  for (const one of a) {
    while (first < b.length && b[first].max < one.min) first++;
    for (let i = first; i < b.length && b[i].min <= one.max; i++) {
      const min = Math.max(one.min, b[i].min);
      const max = Math.min(one.max, b[i].max);
      common.push(min === one.min && max === one.max ? one : { min, max });
    }
  }
  return common;
}

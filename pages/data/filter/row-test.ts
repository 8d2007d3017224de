/** Tests of rows: what a filter asks for, as tables over the values of columns, so that a row is tested in no time. */
import type { Column } from '../../../explain/report/format/columns.js';
import { BLOCK_ROWS, type Slices } from './slices.js';

/** Whether a row's value in a column is one of those asked for. */
export interface Lookup {
  readonly column: Column;
  /** 1 or 0, by value + `base`. */
  readonly table: Uint8Array;
  readonly base: number;
}

/** A row passes if one of the lookups finds 1; if `isNegated`, if none does. */
export interface LookupTest {
  readonly lookups: readonly Lookup[];
  readonly isNegated: boolean;
}

/** A row passes if its value is from `min` to `max`. */
export interface RangeTest {
  readonly column: Column;
  readonly min: number;
  readonly max: number;
}

export type RowTest = LookupTest | RangeTest;

/** Which of COUNT rows pass all TESTS, ascending. */
export async function passing(count: number, tests: readonly RowTest[], slices: Slices): Promise<Uint32Array> {
  const found = new Uint32Array(count);
  const keep = new Uint8Array(BLOCK_ROWS);
  const some = new Uint8Array(BLOCK_ROWS);
  let length = 0;
  await slices.each(count, (from, to) => {
    keep.fill(1);
    for (const test of tests) {
      if ('lookups' in test) applyLookups(test, from, to, some, keep);
      else applyRange(test, from, to, keep);
    }
    for (let row = from; row < to; row++) if (keep[row - from] === 1) found[length++] = row;
  });
  return found.slice(0, length);
}

function applyRange({ column, min, max }: RangeTest, from: number, to: number, keep: Uint8Array): void {
  for (let row = from; row < to; row++) {
    const value = column[row];
    if (!(value >= min && value <= max)) keep[row - from] = 0;
  }
}

/** SOME: as long as a block, for what is found on the way. */
function applyLookups(test: LookupTest, from: number, to: number, some: Uint8Array, keep: Uint8Array): void {
  some.fill(0);
  for (const { column, table, base } of test.lookups)
    for (let row = from; row < to; row++) some[row - from] |= table[column[row] + base];
  const unwanted = test.isNegated ? 1 : 0;
  for (let i = 0; i < to - from; i++) if (some[i] === unwanted) keep[i] = 0;
}

/** The table of what PASSES is true of, over values from -BASE up to, but not including, END. */
export function tableOf(base: number, end: number, passes: (value: number) => boolean): Uint8Array {
  const table = new Uint8Array(end + base);
  for (let value = -base; value < end; value++) table[value + base] = passes(value) ? 1 : 0;
  return table;
}

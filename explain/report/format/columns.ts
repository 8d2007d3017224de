/**
 * Columns of whole numbers in few bytes: of each value its difference to what is to be expected (varint.ts). They
 * compress well, and a million values are read in some milliseconds.
 */
import { VarintBuffer, VarintReader } from './varint.js';

/** A column is as narrow as its values allow. */
export type Column = Int8Array | Int16Array | Int32Array | Float64Array;

/** The values of the columns NAMES, each as long as the others. */
export type Columns<Name extends string> = Readonly<Record<Name, Column>>;

/**
 * Which value is expected in a column. A name: that of the other column in the same row. One or two: that of the last row
 * with the same values in these columns; of the first such row, the largest value so far, and 1. None: the largest value
 * so far, and 1. Columns of which nothing is said: that of the row before. A column stands behind those that it names.
 */
export type Expected<Name extends string> = Partial<Record<Name, Name | readonly Name[]>>;

/** Gathers rows. Name: the names of its columns. */
export class ColumnWriter<Name extends string> {
  readonly #names: readonly Name[];
  readonly #expected: Expected<Name>;
  readonly #values: number[][];

  constructor(names: readonly Name[], expected: Expected<Name> = {}) {
    this.#names = names;
    this.#expected = expected;
    this.#values = names.map(() => []);
  }

  get rows(): number {
    return this.#values[0].length;
  }

  /** Adds ROW: safe integers, in the order of the names. */
  add(row: readonly number[]): void {
    for (let i = 0; i < row.length; i++) this.#values[i].push(row[i]);
  }

  /** What `readColumns` reads. */
  bytes(): Uint8Array {
    const buffer = new VarintBuffer();
    buffer.add(this.rows);
    buffer.add(this.#names.length);
    const known: SameRows = new Map();
    for (const [i, values] of this.#values.entries()) {
      const differences = new Float64Array(this.rows);
      const isExact = (how: Expectation): boolean => {
        let isSame = true;
        expect(values, how, this.#values, known, (row, base) => {
          differences[row] = values[row] - base;
          if (base + differences[row] !== values[row]) isSame = false;
        });
        return isSame;
      };
      let expectation = this.#expectationOf(this.#names[i]);
      if (!isExact(expectation)) {
        expectation = NOTHING;
        isExact(expectation);
      }
      const unit = differences.reduce(commonDivisor, 0) || 1;
      buffer.add(unit);
      buffer.add(expectation.length);
      for (const number of expectation) buffer.add(number);
      for (const difference of differences) buffer.add(difference / unit);
    }
    return buffer.bytes();
  }

  #expectationOf(name: Name): Expectation {
    const expected = this.#expected[name];
    const positionOf = (other: Name): number => this.#names.indexOf(other);
    if (expected === undefined) return [BEFORE];
    return Array.isArray(expected) ? [KEY, ...expected.map(positionOf)] : [OTHER, positionOf(expected as Name)];
  }
}

/** The columns that a ColumnWriter with NAMES made. */
export function readColumns<Name extends string>(names: readonly Name[], bytes: Uint8Array): Columns<Name> {
  const reader = new VarintReader(bytes);
  const rows = reader.next();
  const count = reader.next();
  if (count !== names.length) throw new RangeError(`${count} columns, not ${names.length}`);
  const columns: Float64Array[] = [];
  const known: SameRows = new Map();
  for (let i = 0; i < count; i++) {
    const values = new Float64Array(rows);
    const unit = reader.next();
    const expectation = Array.from({ length: reader.next() }, () => reader.next());
    columns.push(values);
    expect(values, expectation, columns, known, (row, base) => {
      values[row] = base + reader.next() * unit;
    });
  }
  return Object.fromEntries(names.map((name, i) => [name, narrow(columns[i])])) as Columns<Name>;
}

/** How values are expected, as it is written: BEFORE, NOTHING, or one of the others and the positions of columns. */
type Expectation = readonly number[];
const BEFORE = 0;
const OTHER = 1;
const KEY = 2;
/** Every value as it is: differences of large ones are not exact. */
const NOTHING = [3];

/** Calls SEE with each row and the value that is expected there in VALUES, of which those of the rows before are known. */
function expect(
  values: ArrayLike<number>,
  [how, ...others]: Expectation,
  columns: readonly ArrayLike<number>[],
  known: SameRows,
  see: (row: number, base: number) => void,
): void {
  const { length } = values;
  if (how === BEFORE) for (let row = 0; row < length; row++) see(row, row === 0 ? 0 : values[row - 1]);
  else if (how === OTHER) {
    const other = columns[others[0]];
    for (let row = 0; row < length; row++) see(row, other[row]);
  } else if (how === NOTHING[0]) for (let row = 0; row < length; row++) see(row, 0);
  else {
    const same = sameRows(others, columns, length, known);
    let most = -1;
    for (let row = 0; row < length; row++) {
      see(row, same[row] < 0 ? most + 1 : values[same[row]]);
      if (values[row] > most) most = values[row];
    }
  }
}

/** Of each of LENGTH rows, the last one before it with the same values in the columns at KEYS; -1: there is none. */
function sameRows(
  keys: readonly number[],
  columns: readonly ArrayLike<number>[],
  length: number,
  known: SameRows,
): Int32Array {
  const there = known.get(keys.join());
  if (there !== undefined) return there;
  const same = new Int32Array(length).fill(-1);
  const last = new Map<number, number>();
  const [first, second] = keys.map((position) => columns[position]);
  if (first !== undefined) {
    for (let row = 0; row < length; row++) {
      const key = first[row] * KEY_BASE + (second === undefined ? 0 : second[row]);
      same[row] = last.get(key) ?? -1;
      last.set(key, row);
    }
  }
  known.set(keys.join(), same);
  return same;
}

/** By the keys. */
type SameRows = Map<string, Int32Array>;

/** More than the values of columns that stand second in keys. */
const KEY_BASE = 1 << 16;

function commonDivisor(a: number, b: number): number {
  let [divisor, rest] = [a, Math.abs(b)];
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest];
  return divisor;
}

function narrow(values: Float64Array): Column {
  let [least, most] = [0, 0];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const bound = Math.max(most, -1 - least);
  if (bound < 2 ** 7) return Int8Array.from(values);
  if (bound < 2 ** 15) return Int16Array.from(values);
  return bound < 2 ** 31 ? Int32Array.from(values) : values;
}

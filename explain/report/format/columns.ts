/**
 * Columns of whole numbers in few bytes: of each value its difference to the one before, as a zigzag LEB128 number. They
 * compress well, and a million values are read in some milliseconds.
 */
import { VarintBuffer, VarintReader } from './varint.js';

/** A column is as narrow as its values allow. */
export type Column = Int8Array | Int16Array | Int32Array | Float64Array;

/** The values of the columns NAMES, each as long as the others. */
export type Columns<Name extends string> = Readonly<Record<Name, Column>>;

/** Gathers rows. T: the names of its columns. */
export class ColumnWriter<Name extends string> {
  readonly #names: readonly Name[];
  readonly #columns: VarintBuffer[];
  readonly #last: number[];
  #rows = 0;

  constructor(names: readonly Name[]) {
    this.#names = names;
    this.#columns = names.map(() => new VarintBuffer());
    this.#last = names.map(() => 0);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds ROW: safe integers, in the order of the names. */
  add(row: readonly number[]): void {
    for (let i = 0; i < this.#columns.length; i++) {
      this.#columns[i].add(row[i] - this.#last[i]);
      this.#last[i] = row[i];
    }
    this.#rows++;
  }

  /** What `readColumns` reads. */
  bytes(): Uint8Array {
    const head = new VarintBuffer();
    head.add(this.#rows);
    head.add(this.#names.length);
    for (const column of this.#columns) head.add(column.length);
    const parts = [head, ...this.#columns].map((one) => one.bytes());
    const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** The columns that a ColumnWriter with NAMES made. */
export function readColumns<Name extends string>(names: readonly Name[], bytes: Uint8Array): Columns<Name> {
  const reader = new VarintReader(bytes);
  const rows = reader.next();
  const count = reader.next();
  if (count !== names.length) throw new RangeError(`${count} columns, not ${names.length}`);
  for (let i = 0; i < count; i++) reader.next();
  return Object.fromEntries(names.map((name) => [name, readColumn(reader, rows)])) as Columns<Name>;
}

function readColumn(reader: VarintReader, rows: number): Column {
  const values = new Float64Array(rows);
  let [value, least, most] = [0, 0, 0];
  for (let i = 0; i < rows; i++) {
    value += reader.next();
    values[i] = value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const bound = Math.max(most, -1 - least);
  if (bound < 2 ** 7) return Int8Array.from(values);
  if (bound < 2 ** 15) return Int16Array.from(values);
  return bound < 2 ** 31 ? Int32Array.from(values) : values;
}

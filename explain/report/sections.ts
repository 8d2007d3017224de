/** Sections of a report: rows in chunks, each of which is compressed once, as soon as it is full. */
import { deflated } from '../../io/deflate.js';
import { ColumnWriter, type Expected } from './format/columns.js';

const ENCODER = new TextEncoder();

/** VALUE as a section that holds JSON. */
export function jsonSection(value: unknown): Uint8Array {
  return deflated(ENCODER.encode(JSON.stringify(value)));
}

/** Sections of one kind that are only added to. */
export interface Chunks {
  readonly chunks: number;
  readonly rowsPerChunk: number;
  section(number: number): Uint8Array;
}

/** Rows of columns that are only ever added. */
export class RowChunks<Name extends string> implements Chunks {
  readonly rowsPerChunk: number;
  /** The rows of all chunks. */
  rows = 0;
  /** What the full chunks take, compressed. */
  size = 0;
  readonly #names: readonly Name[];
  readonly #expected: Expected<Name>;
  readonly #full: Uint8Array[] = [];
  #open: ColumnWriter<Name>;

  constructor(names: readonly Name[], rowsPerChunk: number, expected: Expected<Name> = {}) {
    this.#names = names;
    this.#expected = expected;
    this.rowsPerChunk = rowsPerChunk;
    this.#open = new ColumnWriter(names, expected);
  }

  get chunks(): number {
    return Math.ceil(this.rows / this.rowsPerChunk);
  }

  /** Adds ROW, in the order of the names. */
  add(row: readonly number[]): void {
    this.#open.add(row);
    this.rows++;
    if (this.#open.rows < this.rowsPerChunk) return;
    const section = deflated(this.#open.bytes());
    this.#full.push(section);
    this.size += section.length;
    this.#open = new ColumnWriter(this.#names, this.#expected);
  }

  /** Chunk NUMBER as it is now. */
  section(number: number): Uint8Array {
    return this.#full[number] ?? deflated(this.#open.bytes());
  }
}

/** A section of columns with ROWS. */
export function columnSection<Name extends string>(
  names: readonly Name[],
  rows: Iterable<readonly number[]>,
  expected: Expected<Name> = {},
): Uint8Array {
  const writer = new ColumnWriter(names, expected);
  for (const row of rows) writer.add(row);
  return deflated(writer.bytes());
}

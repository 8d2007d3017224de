/**
 * Records in flat memory, each declared once: `layout('Path', { inDev: i32, packets: f64, … })` computes the offset of
 * each field. TypeScript uses the offsets from here, and `wasm/build.mjs` generates a class with the same fields for
 * AssemblyScript (wasm/records.ts).
 *
 * Fields are in the order of their declaration, each aligned to its own size; the size of a record is rounded up to its
 * largest alignment. Everything is little-endian, as is the memory of WebAssembly.
 */

/** The type of a number in memory. A `u64` has no TypeScript accessor: only the wasm side uses it. */
export type Kind = 'i32' | 'u32' | 'f64' | 'u64';

const KIND_BYTES: Readonly<Record<Kind, number>> = { i32: 4, u32: 4, f64: 8, u64: 8 };

/** A number. */
export interface NumberField<K extends Kind = Kind> {
  readonly kind: K;
  readonly count: undefined;
}

/** Numbers of one kind in a row. */
export interface NumberRow<K extends Kind = Kind> {
  readonly kind: K;
  readonly count: number;
}

/** A record inside another one, or `count` of them in a row. */
export interface RecordField {
  readonly layout: AnyLayout;
  /** undefined: a single record. */
  readonly count: number | undefined;
}

/** Bytes whose fields other layouts declare (`within`). */
export interface AreaField {
  readonly areaBytes: number;
}

export type Field = NumberField | NumberRow | RecordField | AreaField;
export type Fields = Readonly<Record<string, Field>>;

export const i32: NumberField<'i32'> = { kind: 'i32', count: undefined };
export const u32: NumberField<'u32'> = { kind: 'u32', count: undefined };
export const f64: NumberField<'f64'> = { kind: 'f64', count: undefined };
export const u64: NumberField<'u64'> = { kind: 'u64', count: undefined };

/** COUNT numbers of one kind in a row. */
export function array<K extends Kind>({ kind }: NumberField<K>, count: number): NumberRow<K> {
  return { kind, count };
}

/** One record inside another. */
export function record(layout: AnyLayout): RecordField {
  return { layout, count: undefined };
}

/** COUNT records inside another, in a row. */
export function records(layout: AnyLayout, count: number): RecordField {
  return { layout, count };
}

/** An area of BYTES, aligned to 8, whose fields other layouts declare. */
export function area(bytes: number): AreaField {
  return { areaBytes: bytes };
}

type WordKeys<F extends Fields> = { [K in keyof F]: F[K] extends { kind: 'f64' | 'u64' } ? never : K }[keyof F];
type DoubleKeys<F extends Fields> = { [K in keyof F]: F[K] extends { kind: 'f64' } ? K : never }[keyof F];
/** The fields that hold numbers which TypeScript can represent. */
type NumberKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { kind: 'i32' | 'u32' | 'f64' } ? K : never;
}[keyof F];

/** The numbers of one record, by field; for an array, its first number. */
export type Values<F extends Fields> = { [K in NumberKeys<F>]: number };

export type FieldsOf<L extends AnyLayout> = L extends Layout<infer F> ? F : never;

/** The numbers of one record of a layout. */
export type ValuesOf<L extends AnyLayout> = L extends Layout<infer F> ? Values<F> : never;

/** A field with its offset, in bytes from the start of the record. */
export interface Place {
  readonly name: string;
  readonly field: Field;
  readonly offset: number;
  readonly bytes: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a layout of any fields
export type AnyLayout = Layout<any>;

export interface LayoutOptions {
  /** The fields are part of a base record, in its area of this name. */
  readonly within?: { readonly base: AnyLayout; readonly area: string };
  /** The size of the record if it is larger than its fields require, such as a whole cache line. */
  readonly bytes?: number;
}

/** The layout of a record. Create one with `layout`. */
export class Layout<F extends Fields> {
  readonly name: string;
  /** The size of the record in bytes, in 32-bit words and in float64s. */
  readonly bytes: number;
  readonly words: number;
  readonly doubles: number;
  /** The address of a record must be a multiple of this. */
  readonly alignment: number;
  readonly places: readonly Place[];
  readonly base: AnyLayout | undefined;
  /** The offset of each field, in bytes from the start of the record. */
  readonly at: Readonly<Record<keyof F & string, number>>;
  /** The offset of each field of 32-bit words, as an index into an Int32Array that starts with the record. */
  readonly word: Readonly<Record<WordKeys<F> & string, number>>;
  /** The offset of each float64, as an index into a Float64Array that starts with the record. */
  readonly double: Readonly<Record<DoubleKeys<F> & string, number>>;

  constructor(name: string, fields: F, { within, bytes }: LayoutOptions) {
    this.name = name;
    this.base = within?.base;
    const { places, end, alignment } = place(name, fields, within);
    this.places = places;
    this.alignment = alignment;
    this.bytes = this.base?.bytes ?? bytes ?? roundUp(end, alignment);
    if (end > this.bytes || this.bytes % alignment !== 0)
      throw new RangeError(`${name} does not fit into ${this.bytes} bytes`);
    this.words = this.bytes / 4;
    this.doubles = this.bytes / 8;
    const offsets = (divisor: number): Record<string, number> =>
      Object.fromEntries(
        places.filter(({ offset }) => offset % divisor === 0).map((field) => [field.name, field.offset / divisor]),
      );
    this.at = offsets(1) as typeof this.at;
    this.word = offsets(4) as typeof this.word;
    this.double = offsets(8) as typeof this.double;
  }
}

/**
 * Declares a record with FIELDS. Offsets of fields `within` another record count from the start of that record.
 * @throws {RangeError} if the fields do not fit
 */
export function layout<const F extends Fields>(name: string, fields: F, options: LayoutOptions = {}): Layout<F> {
  return new Layout(name, fields, options);
}

function place(name: string, fields: Fields, within: LayoutOptions['within']) {
  const room = within === undefined ? undefined : areaOf(within);
  const places: Place[] = [];
  let end = room?.offset ?? 0;
  let alignment = within?.base.alignment ?? 4;
  for (const [fieldName, field] of Object.entries(fields)) {
    const size = sizeOf(field);
    const offset = roundUp(end, size.alignment);
    places.push({ name: fieldName, field, offset, bytes: size.bytes });
    end = offset + size.bytes;
    alignment = Math.max(alignment, size.alignment);
  }
  if (room !== undefined && end > room.offset + room.bytes) {
    throw new RangeError(`${name} needs ${end - room.offset} bytes, but ${room.name} has ${room.bytes}`);
  }
  return { places, end, alignment };
}

function areaOf({ base, area: name }: NonNullable<LayoutOptions['within']>): Place {
  const room = base.places.find((candidate) => candidate.name === name);
  if (room === undefined || !('areaBytes' in room.field)) throw new RangeError(`${base.name} has no area ${name}`);
  return room;
}

function sizeOf(field: Field): { readonly bytes: number; readonly alignment: number } {
  if ('areaBytes' in field) return { bytes: field.areaBytes, alignment: 8 };
  const count = field.count ?? 1;
  if ('kind' in field) return { bytes: KIND_BYTES[field.kind] * count, alignment: KIND_BYTES[field.kind] };
  return { bytes: field.layout.bytes * count, alignment: field.layout.alignment };
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** TypeScript's access to an array of COUNT records. An index or a field out of range throws. */
export class Records<F extends Fields> {
  readonly layout: Layout<F>;
  /** The address of the first record, in bytes from the start of the buffer. */
  readonly start: number;
  readonly count: number;
  readonly #view: DataView;
  readonly #places: ReadonlyMap<string, Place>;

  /** @throws {RangeError} if the records are not within BUFFER, or START is not a multiple of their alignment */
  constructor(of: Layout<F>, buffer: ArrayBufferLike, start: number, count: number) {
    if (start % of.alignment !== 0) throw new RangeError(`${of.name} at ${start}: not a multiple of ${of.alignment}`);
    this.layout = of;
    this.start = start;
    this.count = count;
    this.#view = new DataView(buffer, start, of.bytes * count);
    this.#places = new Map(of.places.map((each) => [each.name, each]));
  }

  /** The address of the record INDEX. */
  addressOf(index: number): number {
    if (!(index >= 0 && index < this.count)) {
      throw new RangeError(`${this.layout.name} ${index} is out of range: there are ${this.count}`);
    }
    return this.start + index * this.layout.bytes;
  }

  get(index: number, field: NumberKeys<F> & string): number {
    const { kind, at } = this.#locate(index, field);
    if (kind === 'f64') return this.#view.getFloat64(at, true);
    return kind === 'u32' ? this.#view.getUint32(at, true) : this.#view.getInt32(at, true);
  }

  set(index: number, field: NumberKeys<F> & string, value: number): void {
    const { kind, at } = this.#locate(index, field);
    if (kind === 'f64') this.#view.setFloat64(at, value, true);
    else this.#view.setInt32(at, value, true);
  }

  /** Sets a field of 64 bits, which only the WebAssembly side reads as a number. */
  setUint64(index: number, field: keyof F & string, value: bigint): void {
    this.#view.setBigUint64(this.#locate(index, field).at, value, true);
  }

  /** Sets the fields in VALUES of the record INDEX. */
  assign(index: number, values: Partial<Values<F>>): void {
    for (const [field, value] of Object.entries(values))
      this.set(index, field as NumberKeys<F> & string, value as number);
  }

  /** Sets all records to zero. */
  clear(): void {
    const { buffer, byteOffset, byteLength } = this.#view;
    new Uint8Array(buffer, byteOffset, byteLength).fill(0);
  }

  #locate(index: number, field: string): { readonly kind: Kind; readonly at: number } {
    const found = this.#places.get(field);
    if (found === undefined || !('kind' in found.field))
      throw new RangeError(`${this.layout.name} has no numeric field ${field}`);
    return { kind: found.field.kind, at: this.addressOf(index) - this.start + found.offset };
  }
}

interface Views {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

type Single<F extends Fields, K extends Kind> = {
  [N in keyof F]: F[N] extends { kind: K; count: undefined } ? N : never;
}[keyof F];
type Row<F extends Fields, K extends Kind> = {
  [N in keyof F]: F[N] extends { kind: K; count: number } ? N : never;
}[keyof F];

/** One record: numbers as properties, arrays of numbers as typed arrays. */
export type Opened<F extends Fields> = { [K in Single<F, 'i32' | 'u32' | 'f64'>]: number } & {
  readonly [K in Row<F, 'i32' | 'u32'>]: Int32Array;
} & { readonly [K in Row<F, 'f64'>]: Float64Array };

/** Creates an object whose properties are the numbers of the record at START of BUFFER. */
export type RecordOpener<F extends Fields> = (buffer: ArrayBufferLike, start: number) => Opened<F>;

/**
 * hot: returns a function that opens single records of the layout. All of them share one class, so that code that reads
 * a field of many records stays monomorphic.
 */
export function opener<F extends Fields>(of: Layout<F>): RecordOpener<F> {
  class OpenedRecord implements Views {
    readonly words: Int32Array;
    readonly doubles: Float64Array;
    constructor(buffer: ArrayBufferLike, start: number) {
      this.words = new Int32Array(buffer, start, of.words);
      this.doubles = of.alignment === 8 ? new Float64Array(buffer, start, of.doubles) : new Float64Array(0);
    }
  }
  for (const { name, field, offset } of of.places) {
    if (!('kind' in field) || field.kind === 'u64') continue;
    Object.defineProperty(OpenedRecord.prototype, name, accessorOf(field.kind, offset, field.count));
  }
  return (buffer, start) => new OpenedRecord(buffer, start) as unknown as Opened<F>;
}

function accessorOf(kind: Kind, offset: number, count: number | undefined): PropertyDescriptor & ThisType<Views> {
  const double = offset / 8;
  const word = offset / 4;
  if (count !== undefined) {
    return {
      get() {
        return kind === 'f64' ? this.doubles.subarray(double, double + count) : this.words.subarray(word, word + count);
      },
    };
  }
  if (kind === 'f64') {
    return {
      get() {
        return this.doubles[double];
      },
      set(value: number) {
        this.doubles[double] = value;
      },
    };
  }
  return {
    get() {
      return kind === 'u32' ? this.words[word] >>> 0 : this.words[word];
    },
    set(value: number) {
      this.words[word] = value;
    },
  };
}

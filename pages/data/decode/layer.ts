/** Headers as rows of fields, and what reads fields by such rows. */

/** A field of a header with its value in words, and where it is: bytes from the start of the frame. */
export interface DecodedField {
  readonly name: string;
  readonly value: string;
  readonly at: number;
  readonly length: number;
}

/** A header, or what stands behind the last one. */
export interface Layer {
  readonly name: string;
  readonly at: number;
  readonly length: number;
  readonly fields: readonly DecodedField[];
}

/**
 * A field: its name, how many bits it has, and how its value is said; without that, it is a decimal number. Fields
 * without a name are not shown. Rows follow each other as the fields do.
 */
export type FieldRow = readonly [name: string, bits: number, words?: (value: number) => string];

/** The part of a frame from AT on, as far as it was captured. */
export interface Part {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Where it ends: before the end of the frame if a length says so. */
  readonly end: number;
}

/** The unsigned number in the BITS, 32 at most, that begin BIT bits behind the start of PART. */
export function readBits({ bytes, at }: Part, bit: number, bits: number): number {
  let value = 0;
  for (let i = bit; i < bit + bits; ) {
    const taken = Math.min(8 - (i % 8), bit + bits - i);
    const byte = bytes[at + (i >> 3)] ?? 0;
    value = value * 2 ** taken + ((byte >> (8 - (i % 8) - taken)) & (2 ** taken - 1));
    i += taken;
  }
  return value;
}

/** The fields of ROWS that PART has as a whole. SKIPPED: bits of PART before the first one. */
export function readRows(part: Part, rows: readonly FieldRow[], skipped = 0): DecodedField[] {
  const fields: DecodedField[] = [];
  let bit = skipped;
  for (const [name, bits, words = String] of rows) {
    const at = part.at + (bit >> 3);
    const length = Math.ceil((bit + bits) / 8) - (bit >> 3);
    if (at + length > part.end) break;
    if (name !== '')
      fields.push({
        name,
        at,
        length,
        value: bits > 32 ? longValue(part.bytes, at, length) : words(readBits(part, bit, bits)),
      });
    bit += bits;
  }
  return fields;
}

/** Addresses of IPv6 are in groups of two bytes. */
function longValue(bytes: Uint8Array, at: number, length: number): string {
  const text = hexBytes(bytes, at, length);
  return length === 16 ? text.replace(/(..):(..)/g, '$1$2') : text;
}

/** `02:42:ac:11:00:02`, or with another JOINT. */
export function hexBytes(bytes: Uint8Array, at: number, length: number, joint = ':'): string {
  return Array.from(bytes.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, '0')).join(joint);
}

export const hex =
  (digits: number) =>
  (value: number): string =>
    `0x${value.toString(16).padStart(digits, '0')}`;

/** `KNOWN[value] (value)`, or the value alone. */
export const named =
  (known: Readonly<Record<number, string>>, plain: (value: number) => string = String) =>
  (value: number): string =>
    Object.hasOwn(known, value) ? `${known[value]} (${plain(value)})` : plain(value);

/** Numbers at the beginning of a text, as strtoul and scanf of the C library find them. */

const MAX = (1n << 64n) - 1n;

/**
 * What comes before a number is blanks and a sign. Base 0 is strtoul's: decimal, 0x…, or 0… for octal. Base 16 is that
 * of scanf's %x, for which `0x` alone is 0.
 */
const PATTERNS = {
  0: /[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/y,
  10: /[ \t\n\v\f\r]*([-+]?)([0-9]+)/y,
  16: /[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]*|[0-9a-fA-F]+)/y,
} as const;

export interface Scanned {
  /** As unsigned long: after a minus sign modulo 2^64, and the largest one if the number is larger. */
  readonly value: bigint;
  readonly isNegative: boolean;
  /** The number does not fit. */
  readonly isOverflow: boolean;
  /** The index of the first character behind it. */
  readonly end: number;
}

/** Reads the number that TEXT has from index AT on; undefined if there is none. */
export function scanNumber(text: string, at: number, base: keyof typeof PATTERNS): Scanned | undefined {
  const pattern = PATTERNS[base];
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const [, sign, digits] = found;
  const size = magnitude(digits, base);
  const isOverflow = size > MAX;
  const isNegative = sign === '-';
  const value = isOverflow ? MAX : BigInt.asUintN(64, isNegative ? -size : size);
  return { value, isNegative, isOverflow, end: pattern.lastIndex };
}

function magnitude(digits: string, base: keyof typeof PATTERNS): bigint {
  const isHex = /^0x/i.test(digits);
  if (isHex) return BigInt(digits.length === 2 ? 0 : digits);
  if (base === 16) return BigInt(`0x${digits}`);
  return BigInt(base === 0 && digits.length > 1 && digits[0] === '0' ? `0o${digits.slice(1)}` : digits);
}

/** The last BITS bits of a number, to which scanf cuts it for a smaller type. */
export function lastBits({ value }: Scanned, bits: number): number {
  return Number(BigInt.asUintN(bits, value));
}

/** Numbers at the start of a text, as the C library reads them (strtoul, atoll) for extensions that use it directly. */

/** What strtoul skips, the sign, the number in base 10, and what is behind it. */
const DECIMAL = /^[ \t\n\v\f\r]*([-+]?)([0-9]+)(.*)$/s;
/** The same in the base that the number's prefix tells. `0x` without a digit is a 0, followed by an x. */
const ANY_BASE = /^[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(.*)$/s;
const MAX_UINT64 = 2n ** 64n - 1n;

export interface LeadingNumber {
  /** Below 2^64: too large a number is the largest, and a negative one wraps around. */
  readonly value: bigint;
  readonly isNegative: boolean;
  /** It exceeds 64 bits (ERANGE). */
  readonly isTooLarge: boolean;
  /** What is behind it. */
  readonly rest: string;
}

/** The number at the start of TEXT (strtoul of 64 bits); undefined if there is none. */
export function leadingNumber(text: string, base: 'decimal' | 'any'): LeadingNumber | undefined {
  const [, sign, digits, rest] = (base === 'decimal' ? DECIMAL : ANY_BASE).exec(text) ?? [];
  if (digits === undefined) return undefined;
  const isOctal = base === 'any' && digits.length > 1 && /^0[0-7]/.test(digits);
  const read = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const isTooLarge = read > MAX_UINT64;
  const isNegative = sign === '-';
  const value = isTooLarge ? MAX_UINT64 : BigInt.asUintN(64, isNegative ? -read : read);
  return { value, isNegative, isTooLarge, rest };
}

/** All of TEXT as a number up to MAX, like `parseNumber` for numbers of 64 bits (xtables_strtoul). */
export function parseUint64(text: string, max = MAX_UINT64): bigint | undefined {
  const number = leadingNumber(text, 'any');
  if (number === undefined || number.isNegative || number.isTooLarge || number.rest !== '') return undefined;
  return number.value <= max ? number.value : undefined;
}

/** What strtoul returns for the decimal number at the start of TEXT as an unsigned number of 32 bits; 0 if none. */
export function truncatedNumber(text: string): { readonly value: number; readonly rest: string } {
  const number = leadingNumber(text, 'decimal');
  if (number === undefined) return { value: 0, rest: text };
  return { value: Number(BigInt.asUintN(32, number.value)), rest: number.rest };
}

/** The signed number at the start of TEXT (atoll); 0 if there is none. */
export function signedNumber(text: string): bigint {
  const [, sign, digits] = DECIMAL.exec(text) ?? [];
  if (digits === undefined) return 0n;
  const read = BigInt(digits);
  const most = 2n ** 63n - 1n;
  if (sign === '-') return read > most ? -most - 1n : -read;
  return read > most ? most : read;
}

/** The same truncated to 32 bits (atoi). */
export function signedInt32(text: string): number {
  return Number(BigInt.asIntN(32, signedNumber(text)));
}

/** Floating-point numbers as C reads, converts and prints them. */

/** What strtod reads: decimal, hexadecimal, not a number, infinity. */
const DECIMAL = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?/i;
const HEXADECIMAL = /^([-+]?)0x(?=\.?[0-9a-f])([0-9a-f]*)\.?([0-9a-f]*)(?:p([-+]?[0-9]+))?/i;
const NOT_A_NUMBER = /^[-+]?nan(?:\([0-9a-z_]*\))?/i;
const INFINITE = /^([-+]?)inf(?:inity)?/i;

/** The number at the beginning of a text, and what follows it. */
export interface LeadingDouble {
  readonly value: number;
  readonly rest: string;
}

/** The number at the beginning of TEXT, as strtod reads it; undefined if there is none. */
export function leadingDouble(text: string): LeadingDouble | undefined {
  const trimmed = text.replace(/^[ \t\n\v\f\r]+/, '');
  const hexadecimal = HEXADECIMAL.exec(trimmed);
  if (hexadecimal !== null) {
    const [all, sign, whole, fraction, exponent = '0'] = hexadecimal;
    const size = Number.parseInt(whole + fraction, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
    return { value: sign === '-' ? -size : size, rest: trimmed.slice(all.length) };
  }
  const decimal = DECIMAL.exec(trimmed);
  if (decimal !== null) return { value: Number(decimal[0]), rest: trimmed.slice(decimal[0].length) };
  const infinite = INFINITE.exec(trimmed);
  if (infinite !== null) {
    return { value: infinite[1] === '-' ? -Infinity : Infinity, rest: trimmed.slice(infinite[0].length) };
  }
  const notANumber = NOT_A_NUMBER.exec(trimmed);
  return notANumber === null ? undefined : { value: Number.NaN, rest: trimmed.slice(notANumber[0].length) };
}

/** VALUE converted to an unsigned int, as x86-64 does it: the low half of a 64-bit integer, 0 beyond its range. */
export function toUnsignedInt(value: number): number {
  if (Number.isNaN(value) || Math.abs(value) >= 2 ** 63) return 0;
  return Number(BigInt.asUintN(32, BigInt(Math.trunc(value))));
}

/** Prints NUMERATOR / DENOMINATOR, which are integers from 0 on, like C's `%.Nf`: ties round to even. */
export function formatQuotient(numerator: number, denominator: number, decimals: number): string {
  const divisor = BigInt(denominator);
  const scaled = BigInt(numerator) * 10n ** BigInt(decimals);
  const [whole, rest] = [scaled / divisor, scaled % divisor];
  const isUp = rest * 2n > divisor || (rest * 2n === divisor && whole % 2n === 1n);
  const digits = String(isUp ? whole + 1n : whole).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

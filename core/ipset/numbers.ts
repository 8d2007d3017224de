/** Numbers as ipset reads them (strtoull in any base, strtol in base 16, sscanf). */
import { leadingNumber } from '../rules/parse/c-numbers.js';
import type { CommandData } from './command-data.js';
import { Severity } from './report.js';

const PLAIN = /^(?:0|[1-9][0-9]{0,14})$/;
const MAX_UINT32 = 0xffff_ffff;

/** What string_to_number_ll finds: the number, or what it says is wrong. */
function readNumber(text: string, max: bigint): bigint | string {
  const number = leadingNumber(text, 'any');
  if (number === undefined || number.rest !== '') return `'${text}' is invalid as number`;
  if (number.isTooLarge || number.value > max) return `'${text}' is out of range 0-${max}`;
  return number.value;
}

/** TEXT as a number of 0 … MAX. */
export function parseNumber(data: CommandData, text: string, max: number): number {
  if (PLAIN.test(text) && Number(text) <= max) return Number(text);
  const number = readNumber(text, BigInt(max));
  if (typeof number === 'string') throw data.syntaxError(number, `a number from 0 to ${max}`);
  return Number(number);
}

/** The same if it is no number; notes that as a warning, which may become the error. */
export function tryNumber(data: CommandData, text: string, max: number): number | undefined {
  if (PLAIN.test(text) && Number(text) <= max) return Number(text);
  const number = readNumber(text, BigInt(max));
  if (typeof number !== 'string') return Number(number);
  data.report.add(Severity.WARNING, `Syntax error: ${number}`);
  return undefined;
}

export function parseUint32(data: CommandData, text: string): number {
  return parseNumber(data, text, MAX_UINT32);
}

/** Counters: any number of 64 bits but the largest. */
export function parseUint64(data: CommandData, text: string): bigint {
  if (PLAIN.test(text)) return BigInt(text);
  const number = readNumber(text, 2n ** 64n - 2n);
  if (typeof number === 'string') throw data.syntaxError(number, 'a number');
  return number;
}

/** A prefix length of MIN … MAX. */
export function parseCidr(data: CommandData, text: string, min: number, max: number): number {
  const cidr = parseNumber(data, text, 255);
  if (cidr >= min && cidr <= max) return cidr;
  throw data.syntaxError(`'${text}' is out of range ${min}-${max}`, `a prefix length from ${min} to ${max}`);
}

/** What strtol reads in base 16: blanks, a sign, `0x`, digits. */
const HEX = /[ \t-\r]*([-+]?)(?:0x(?=[\da-f]))?([\da-f]*)/iy;
const ETHER_BYTES = 6;
const MAX_ETHER_LENGTH = 17;

/** TEXT as an Ethernet address: 48 bits. */
export function parseEther(data: CommandData, text: string): number {
  let ether = 0;
  let at = 0;
  for (let i = 0; i < ETHER_BYTES; i++) {
    HEX.lastIndex = at;
    const [all, sign, digits] = HEX.exec(text)!;
    const end = digits === '' ? at : at + all.length;
    const byte = digits === '' ? 0 : Number.parseInt(digits, 16);
    const isEnd = i === ETHER_BYTES - 1 ? end === text.length : text[end] === ':';
    const isByte = byte <= 255 && (sign !== '-' || byte === 0);
    if (!isEnd || !isByte || text.length > MAX_ETHER_LENGTH) {
      throw data.syntaxError(`cannot parse '${text}' as ethernet address`, 'six bytes, such as 02:42:ac:11:00:02');
    }
    ether = ether * 256 + byte;
    at = end + 1;
  }
  return ether;
}

/** What sscanf reads with %lx and %x. */
const HEX_NUMBER = String.raw`[ \t-\r]*([-+]?)(?:0[xX](?=[\da-fA-F]))?([\da-fA-F]+)`;
const SKBMARK = new RegExp(`^0x${HEX_NUMBER}(?:/0x${HEX_NUMBER})?`);
const SKBPRIO = new RegExp(`^${HEX_NUMBER}:${HEX_NUMBER}`);
const MAX_UINT64 = 2n ** 64n - 1n;

/** The low 32 bits of what strtoul reads. */
function hex32(sign: string, digits: string): number {
  const read = BigInt(`0x${digits}`);
  const value = read > MAX_UINT64 ? MAX_UINT64 : read;
  return Number(BigInt.asUintN(32, sign === '-' && read <= MAX_UINT64 ? -value : value));
}

/** MARK or MARK/MASK. */
export function parseSkbMark(data: CommandData, text: string): { mark: number; mask: number } {
  const [, sign, mark, maskSign, mask] = SKBMARK.exec(text) ?? [];
  if (mark === undefined) {
    throw data.syntaxError('Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)', '0xMARK/0xMASK');
  }
  return { mark: hex32(sign, mark), mask: mask === undefined ? MAX_UINT32 : hex32(maskSign, mask) };
}

/** MAJOR:MINOR in base 16. */
export function parseSkbPrio(data: CommandData, text: string): number {
  const [, sign, major, minorSign, minor] = SKBPRIO.exec(text) ?? [];
  if (major === undefined) {
    throw data.syntaxError('Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)', 'MAJOR:MINOR');
  }
  return ((hex32(sign, major) << 16) | (hex32(minorSign, minor) & 0xffff)) >>> 0;
}

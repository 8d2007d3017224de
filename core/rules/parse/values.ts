/** Option values: numbers, addresses, ports and marks, parsed and printed as iptables does. */
import {
  ADDRESS_BITS,
  type Address,
  addressFromHostOrder,
  type Family,
  parseAddress,
  prefixMask,
} from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { PROTOCOL_NAMES, protocolNumber } from '../../../codecs/protocol-names.js';
import { serviceNames, servicePort } from '../../../codecs/services.js';
import { RuleFault, unknownName } from './error.js';

const NUMBER = /^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
/** What strtoul skips before a number. */
const BEFORE_NUMBER = /^[ \t\n\v\f\r]*\+?(?=[0-9])/;

/** Parses TEXT as a C integer (decimal, 0x…, 0… octal) up to MAX. Returns undefined on error. */
export function parseNumber(text: string, max: number): number | undefined {
  if (!NUMBER.test(text)) {
    const digits = text.replace(BEFORE_NUMBER, '');
    return digits === text ? undefined : parseNumber(digits, max);
  }
  const octal = text.length > 1 && text[0] === '0' && text[1] !== 'x' && text[1] !== 'X';
  const value = octal ? Number.parseInt(text, 8) : Number(text);
  return value <= max ? value : undefined;
}

/** Parses TEXT as a C integer of 64 bits. Returns undefined on error. */
export function parseLongNumber(text: string): bigint | undefined {
  const digits = text.replace(BEFORE_NUMBER, '');
  if (!NUMBER.test(digits)) return undefined;
  const isOctal = digits.length > 1 && digits[0] === '0' && !/x/i.test(digits);
  const value = BigInt(isOctal ? `0o${digits}` : digits);
  return value >> 64n === 0n ? value : undefined;
}

/** Parses WORD, which is WHAT, as a C integer from MIN to MAX. */
export function parseNumberBetween(word: Word, min: number, max: number, what: string): number {
  const value = parseNumber(word.text, max);
  if (value !== undefined && value >= min) return value;
  throw new RuleFault(word, `bad ${what} "${word.text}"`, `${min}–${max}`);
}

/**
 * Parses the IPv4 address of `-s` and `-d`: 1–4 bytes, of which the last ones may be missing (10.1 is 10.1.0.0); else
 * in the forms of the C library (256 is 0.0.1.0).
 */
export function parseIpv4(text: string): Address | undefined {
  return parseDottedQuad(text) ?? parseBytes(text) ?? parseLibcIpv4(text);
}

/** Parses 1–4 bytes of an IPv4 address, of which the last ones may be missing (xtables_numeric_to_ipaddr). */
export function parseBytes(text: string): Address | undefined {
  const bytes = text.split('.').map((part) => parseNumber(part, 0xff));
  if (bytes.length > 4 || bytes.includes(undefined)) return undefined;
  while (bytes.length < 4) bytes.push(0);
  return addressFromHostOrder(bytes.reduce<number>((address, byte) => address * 256 + byte!, 0));
}

/** Parses an IPv4 address as the C library (inet_aton): the last of 1–4 numbers fills what the others leave. */
export function parseLibcIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => NUMBER.test(part))) return undefined;
  const numbers = parts.map((part, i) =>
    parseNumber(part, i < parts.length - 1 ? 0xff : 256 ** (5 - parts.length) - 1),
  );
  if (numbers.includes(undefined)) return undefined;
  const last = numbers.pop()!;
  const first = numbers.reduce<number>((address, byte) => address * 256 + byte!, 0);
  return addressFromHostOrder(first * 256 ** (4 - numbers.length) + last);
}

/** Parses an IPv4 address with four decimal parts and no leading zeros. */
export function parseDottedQuad(text: string): Address | undefined {
  const address = parseAddress(text);
  return address?.family === 'ipv4' ? address : undefined;
}

/** Parses one of NAMES, each of which is a WHAT, in full and in the same case. */
export function parseOneOf<Name extends string>(word: Word, what: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === word.text);
  if (found === undefined) throw unknownName(word, what, word.text, names);
  return found;
}

/** Parses an IPv6 address without a zone. */
export function parseIpv6(text: string): Address | undefined {
  const address = parseAddress(text);
  return address?.family === 'ipv6' ? address : undefined;
}

/** Parses a network mask, as a prefix length or in the form of an address. */
export function parseMask(text: string, family: Family): Address | undefined {
  const length = parseNumber(text, ADDRESS_BITS[family]);
  if (length !== undefined) return prefixMask(family, length);
  if (family === 'ipv6') return parseIpv6(text);
  return parseDottedQuad(text) ?? (text.split('.').length === 4 ? parseBytes(text) : undefined);
}

export function parsePort(word: Word, text: string, protocol: string | undefined): number {
  return parseNumber(text, 0xffff) ?? servicePort(text, protocol) ?? badPort(word, text, protocol);
}

function badPort(word: Word, text: string, protocol: string | undefined): never {
  const expected = withNearest('a port, 0–65535', text, serviceNames(protocol));
  throw new RuleFault(word, `"${text}" is neither a port nor a known service`, expected);
}

/** Both ends are inclusive. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Parses `p`, `p:q`, `:q`, `p:` with the service names of PROTOCOL (parse_tcp_ports). */
export function parsePortRange(word: Word, protocol: string): PortRange {
  const colon = word.text.indexOf(':');
  if (colon < 0) {
    const port = parsePort(word, word.text, protocol);
    return { min: port, max: port };
  }
  const first = word.text.slice(0, colon);
  const last = word.text.slice(colon + 1);
  return {
    min: first === '' ? 0 : parsePort(word, first, protocol),
    max: last === '' ? 0xffff : parsePort(word, last, protocol),
  };
}

/** The same with the ports of the C library, which takes the last 16 bits of a number (XTTYPE_PORTRC). */
export function parseLibcPortRange(word: Word): PortRange {
  return rangeOf(word, 0xffff, (text) => parseLibcPortText(word, text));
}

/** Parses a port with the C library: its number, of which the last 16 bits count, or a service (XTTYPE_PORT). */
export function parseLibcPortNumber(word: Word): number {
  return parseLibcPortText(word, word.text);
}

function parseLibcPortText(word: Word, text: string): number {
  return parseLibcPort(text) ?? servicePort(text, undefined) ?? badPort(word, text, undefined);
}

/** Most ports, short enough for any number type. */
const PLAIN_PORT = /^[0-9]{1,9}$/;

/** Parses TEXT as getaddrinfo parses the number of a service; undefined if it is a name. */
function parseLibcPort(text: string): number | undefined {
  if (PLAIN_PORT.test(text)) return Number(text) & 0xffff;
  if (text === '') return 0;
  const digits = /^[ \t\n\v\f\r]*([-+]?[0-9]+)$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const value = BigInt(digits.replace(/^\+/, ''));
  const isTooLarge = value >= 1n << 64n || value <= -(1n << 64n);
  const number = isTooLarge ? -1 : Number(BigInt.asIntN(32, value));
  return number < 0 ? undefined : number & 0xffff;
}

/** Parses `n`, `n:m`, `:m`, `n:` or nothing, numbers up to MAX (XTTYPE_UINT16RC and the like). */
export function parseNumberRange(word: Word, max: number, expected: string): PortRange {
  return rangeOf(word, max, (text) => {
    const number = text === '' ? 0 : parseNumber(text, max);
    if (number !== undefined) return number;
    throw new RuleFault(word, `bad range "${word.text}"`, expected);
  });
}

/** The ends of the range WORD, each parsed by PARSE; without an end, it is 0 or MAX. */
function rangeOf(word: Word, max: number, parse: (text: string) => number): PortRange {
  const { text } = word;
  const colon = text.indexOf(':');
  if (colon !== text.lastIndexOf(':')) throw new RuleFault(word, `too many colons in "${text}"`, 'first:last');
  const min = parse(colon < 0 ? text : text.slice(0, colon));
  if (colon < 0) return { min, max: min };
  const last = text.slice(colon + 1);
  return { min, max: last === '' ? max : parse(last) };
}

export function formatPortRange(range: PortRange): string {
  return range.min === range.max ? String(range.min) : `${range.min}:${range.max}`;
}

/** Parses a protocol name or number; TEXT is how iptables takes WORD. */
export function parseProtocol(word: Word, text = word.text): number {
  const number = text === 'all' ? 0 : (parseNumber(text, 255) ?? protocolNumber(text));
  if (number === undefined) {
    throw unknownName(word, 'protocol', word.text, [...PROTOCOL_NAMES.values()], "a protocol's name or number");
  }
  return number;
}

/** Both are int32, like the marks of packets and connections. */
export interface MaskedValue {
  readonly value: number;
  readonly mask: number;
}

/** Parses `value[/mask]`. The mask defaults to all ones. */
export function parseMasked(word: Word): MaskedValue {
  const [value, mask, more] = word.text.split('/');
  const number = parseNumber(value, 0xffffffff);
  const maskNumber = mask === undefined ? 0xffffffff : parseNumber(mask, 0xffffffff);
  if (number === undefined || maskNumber === undefined || more !== undefined) {
    throw new RuleFault(word, `bad mark "${word.text}"`, 'value or value/mask, 32 bits each');
  }
  return { value: number | 0, mask: maskNumber | 0 };
}

/** Parses a 32-bit number into an int32. */
export function parseWord32(word: Word): number {
  const number = parseNumber(word.text, 0xffffffff);
  if (number === undefined) throw new RuleFault(word, `bad number "${word.text}"`, 'a number of 32 bits');
  return number | 0;
}

/** Formats an int32 as 0x…. */
export function formatHex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** Formats an unsigned number of 32 bits as 0x…, always with eight digits. */
export function formatHexWord(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** Formats a byte as 0x.., always with two digits. */
export function formatHexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

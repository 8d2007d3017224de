/** Option values: numbers, addresses, ports and marks, parsed and printed as iptables does. */
import { type Address, addressFromHostOrder, parseAddress, prefixMask } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { RuleFault, unknownName } from './error.js';
import { PROTOCOL_NAMES, protocolNumber } from './protocols.js';
import { serviceNames, servicePort } from './services.js';

const NUMBER = /^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** Parses TEXT as a C integer (decimal, 0x…, 0… octal) up to MAX. Returns undefined on error. */
export function parseNumber(text: string, max: number): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const octal = text.length > 1 && text[0] === '0' && text[1] !== 'x' && text[1] !== 'X';
  const value = octal ? Number.parseInt(text, 8) : Number(text);
  return value <= max ? value : undefined;
}

/**
 * Parses an IPv4 address in any form that iptables accepts, including 10.1 for 10.1.0.0, one number for all 32 bits,
 * and octal and hex parts.
 */
export function parseIpv4(text: string): Address | undefined {
  const dotted = parseDottedQuad(text);
  if (dotted !== undefined) return dotted;
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  const numbers: number[] = [];
  for (const part of parts) {
    const number = parseNumber(part, 0xffffffff);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  if (numbers.length === 1 && numbers[0] > 255) return addressFromHostOrder(numbers[0]);
  if (numbers.some((number) => number > 255)) return undefined;
  while (numbers.length < 4) numbers.push(0);
  return addressFromHostOrder(numbers.reduce((address, number) => address * 256 + number, 0));
}

/** Parses an IPv4 address with four decimal parts and no leading zeros. */
export function parseDottedQuad(text: string): Address | undefined {
  const address = parseAddress(text);
  return address?.family === 'ipv4' ? address : undefined;
}

/** Parses an IPv4 network mask, as a prefix length or four parts. */
export function parseMask(text: string): Address | undefined {
  const length = parseNumber(text, 32);
  return length === undefined ? parseDottedQuad(text) : prefixMask('ipv4', length);
}

export function parsePort(word: Word, text: string, protocol: string | undefined): number {
  const port = parseNumber(text, 0xffff) ?? servicePort(text, protocol);
  if (port === undefined) {
    const expected = withNearest('a port, 0–65535', text, serviceNames(protocol));
    throw new RuleFault(word, `"${text}" is neither a port nor a known service`, expected);
  }
  return port;
}

/** Both ends are inclusive. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Parses `p`, `p:q`, `:q`, `p:` (xtables port ranges with open ends). */
export function parsePortRange(word: Word, protocol?: string): PortRange {
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

export function formatPortRange(range: PortRange): string {
  return range.min === range.max ? String(range.min) : `${range.min}:${range.max}`;
}

/** Parses a protocol name or number. */
export function parseProtocol(word: Word): number {
  const text = word.text.toLowerCase();
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

/** Formats a byte as 0x.., always with two digits. */
export function formatHexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

/**
 * Addresses, prefixes and ranges as ipset reads them. It resolves host names, with gethostbyname2; a name cannot be
 * resolved here, so that it is refused with what ipset says when there is no such host.
 */
import { ADDRESS_BITS, type Address, addressFromHostOrder, type Family, parseAddress } from '../../codecs/address.js';
import type { CommandData } from './command-data.js';
import { parseCidr } from './numbers.js';
import { Opt } from './options.js';

/** Where SEPARATOR is in TEXT; -1 if nowhere, or at the start or the end. */
export function separatorIn(text: string, separator: string): number {
  return text.startsWith(separator) || text.endsWith(separator) ? -1 : text.indexOf(separator);
}

/** Where the range in TEXT is separated, if it is not in brackets; -1 if nowhere. */
function rangeIn(text: string): number {
  const end = text.startsWith('[') ? text.indexOf(']') : 0;
  if (end === -1) return -1;
  const at = separatorIn(text.slice(end), '-');
  return at === -1 ? -1 : at + end;
}

/** The two ends of a range, or the one thing that TEXT is. Either may be in brackets. */
export function splitRange(data: CommandData, text: string): [first: string, last: string | undefined] {
  if (!text.startsWith('[')) {
    const at = separatorIn(text, '-');
    return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  }
  const end = text.indexOf(']');
  if (end === -1) throw data.syntaxError(`cannot find closing escape character ']' in ${text}`);
  if (end === text.length - 1) return [text, undefined];
  if (text[end + 1] !== '-') throw data.syntaxError(`range separator expected after '${text.slice(0, end + 1)}'`);
  return [text.slice(0, end + 1), text.slice(end + 2)];
}

/** TEXT without the brackets around it. */
export function stripBrackets(data: CommandData, text: string): string {
  if (!text.startsWith('[')) return text;
  if (!text.endsWith(']') || text.length < 2) {
    throw data.syntaxError(`cannot find closing escape character ']' in ${text}`);
  }
  return text.slice(1, -1);
}

const QUAD = /^\d[\d.]*$/;
const NUMERIC_IPV6 = /^[\da-fA-F:][\da-fA-F:.]*$/;

const ZERO = 0x30;
const DOT = 0x2e;

/** A plain dotted quad at FROM … END of TEXT, in host order; -1 for anything else. Allocates nothing. */
export function plainQuad(text: string, from: number, end: number): number {
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < end; at++) {
    const char = text.charCodeAt(at);
    if (char === DOT) {
      if (digits === 0) return -1;
      address = address * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else {
      const digit = char - ZERO;
      if (digit < 0 || digit > 9 || (part === 0 && digits > 0)) return -1;
      part = part * 10 + digit;
      digits++;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && digits > 0 ? address * 256 + part : -1;
}

/** One to four numbers in any base (inet_aton); undefined if it is none. */
function parseNumericIpv4(text: string): number | undefined {
  const plain = plainQuad(text, 0, text.length);
  if (plain !== -1) return plain;
  if (!QUAD.test(text) || text.endsWith('.')) return undefined;
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  let address = 0;
  for (const [i, part] of parts.entries()) {
    if (part === '' || (part.length > 1 && part.startsWith('0') && /[89]/.test(part))) return undefined;
    const value = Number.parseInt(part, part.length > 1 && part.startsWith('0') ? 8 : 10);
    const isLast = i === parts.length - 1;
    if (value >= (isLast ? 2 ** (8 * (4 - i)) : 256)) return undefined;
    address += isLast ? value : value * 2 ** (24 - 8 * i);
  }
  return address;
}

function parseNumericIpv6(text: string): Address | undefined {
  const isNumeric = NUMERIC_IPV6.test(text) && text.includes(':') && !text.endsWith('.');
  return isNumeric ? parseAddress(text) : undefined;
}

const EXAMPLES: Readonly<Record<Family, string>> = {
  ipv4: 'an IPv4 address such as 192.0.2.1 (host names are not resolved)',
  ipv6: 'an IPv6 address such as 2001:db8::1 (host names are not resolved)',
};

function unresolved(data: CommandData, text: string, family: Family): Error {
  const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
  return data.syntaxError(`cannot parse ${text}: resolving to ${name} address failed`, EXAMPLES[family]);
}

/** Which of an element's two addresses. */
export type AddressPart = 'ip' | 'ip2';

/** Any form: an address, a prefix, or a range. */
export function parseIp(data: CommandData, part: AddressPart, text: string): void {
  const family = assumedFamily(data);
  const slash = separatorIn(text, '/');
  if (slash !== -1) {
    const cidr = parseCidr(data, text.slice(slash + 1), 0, ADDRESS_BITS[family]);
    if (part === 'ip') data.element.cidr = cidr;
    else data.element.cidr2 = cidr;
    data.note(part === 'ip' ? Opt.CIDR : Opt.CIDR2);
    storeAddress(data, part, stripBrackets(data, text.slice(0, slash)), family);
    return;
  }
  const [first, last] = splitRange(data, text);
  storeAddress(data, part, stripBrackets(data, first), family);
  if (last !== undefined) storeLast(data, part, stripBrackets(data, last), family);
}

/** The family of the set; IPv4 is assumed if there is none. */
export function assumedFamily(data: CommandData): Family {
  if (data.family === undefined) {
    data.family = 'ipv4';
    data.note(Opt.FAMILY);
  }
  return data.family;
}

function storeAddress(data: CommandData, part: AddressPart, text: string, family: Family): void {
  const { element } = data;
  if (family === 'ipv4') {
    const address = parseNumericIpv4(text);
    if (address === undefined) throw unresolved(data, text, family);
    if (part === 'ip') element.ip = address;
    else element.ip2 = address;
  } else {
    const address = parseNumericIpv6(text);
    if (address === undefined) throw unresolved(data, text, family);
    if (part === 'ip') element.ip6 = address;
    else element.ip6Second = address;
  }
  data.noteAddress(part === 'ip' ? Opt.IP : Opt.IP2, family);
}

/** The end of a range, which IPv6 elements do not have. */
function storeLast(data: CommandData, part: AddressPart, text: string, family: Family): void {
  const address = family === 'ipv4' ? parseNumericIpv4(text) : undefined;
  if (address === undefined) throw unresolved(data, text, family);
  if (part === 'ip') data.element.ipTo = address;
  else data.element.ip2To = address;
  data.note(part === 'ip' ? Opt.IP_TO : Opt.IP2_TO);
}

/** A single address, or one with the longest prefix. */
export function parseSingleIp(data: CommandData, part: AddressPart, text: string): void {
  const host = assumedFamily(data) === 'ipv4' ? '/32' : '/128';
  const slash = separatorIn(text, '/');
  if (rangeIn(text) !== -1 || (slash !== -1 && text.slice(slash) !== host)) {
    throw data.syntaxError(`plain IP address must be supplied: ${text}`, 'one address');
  }
  parseIp(data, part, text);
}

/** IPv4: any form. IPv6: a single address. */
export function parseIp4Single6(data: CommandData, part: AddressPart, text: string): void {
  if (assumedFamily(data) === 'ipv4') parseIp(data, part, text);
  else parseSingleIp(data, part, text);
}

/** IPv4: any form. IPv6: an address or a prefix. */
export function parseIp4Net6(data: CommandData, part: AddressPart, text: string): void {
  if (assumedFamily(data) === 'ipv6' && rangeIn(text) !== -1) {
    throw data.syntaxError(`IP address or IP/cidr must be specified: ${text}`, 'an address or ADDRESS/LENGTH');
  }
  parseIp(data, part, text);
}

/** `range`: a prefix or a range. */
export function parseNetRange(data: CommandData, text: string): void {
  if (rangeIn(text) === -1 && separatorIn(text, '/') === -1) {
    throw data.syntaxError(`IP/cidr or IP-IP range must be specified: ${text}`, 'FIRST-LAST or ADDRESS/LENGTH');
  }
  parseIp(data, 'ip', text);
}

/** `network`: a prefix. */
export function parseNet(data: CommandData, text: string): void {
  if (separatorIn(text, '/') === -1 || rangeIn(text) !== -1) {
    throw data.syntaxError(`IP/netblock must be supplied: ${text}`, 'ADDRESS/LENGTH');
  }
  parseIp(data, 'ip', text);
}

/** `to`: the end of the range that `from` starts. */
export function parseLastIp(data: CommandData, text: string): void {
  const family = assumedFamily(data);
  const slash = separatorIn(text, '/');
  if (rangeIn(text) !== -1 || (slash !== -1 && text.slice(slash) !== '/32')) {
    throw data.syntaxError(`plain IP address must be supplied: ${text}`, 'one address');
  }
  if (slash !== -1) data.note(Opt.CIDR2);
  storeLast(data, 'ip', stripBrackets(data, slash === -1 ? text : text.slice(0, slash)), family);
}

/** `bitmask`: an address of the set's family. A prefix length or the end of a range behind it is read and ignored. */
export function parseBitmask(data: CommandData, text: string): void {
  const family = assumedFamily(data);
  try {
    data.options.bitmask = readMask(data, text, family);
  } catch {
    const name = family === 'ipv4' ? 'inet' : 'inet6';
    throw data.syntaxError(`bitmask is not valid for family = ${name}`, 'a mask such as 255.255.0.0');
  }
  data.note(Opt.BITMASK);
}

function readMask(data: CommandData, text: string, family: Family): Address {
  const slash = separatorIn(text, '/');
  if (slash !== -1) parseCidr(data, text.slice(slash + 1), 0, ADDRESS_BITS[family]);
  const [first, last] = slash === -1 ? splitRange(data, text) : [text.slice(0, slash), undefined];
  const mask = readAddress(data, stripBrackets(data, first), family);
  if (last !== undefined) readAddress(data, stripBrackets(data, last), family);
  return mask;
}

function readAddress(data: CommandData, text: string, family: Family): Address {
  const ipv4 = family === 'ipv4' ? parseNumericIpv4(text) : undefined;
  const address = ipv4 === undefined ? parseNumericIpv6(text) : addressFromHostOrder(ipv4);
  if (address === undefined || address.family !== family) throw unresolved(data, text, family);
  return address;
}

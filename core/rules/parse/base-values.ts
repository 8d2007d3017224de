/** The values of `-s -d -i -o -p`, counters and positions, as iptables parses them. */
import { ADDRESS_BITS, type Address, type Family, prefixMask } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { protocolName } from '../../../codecs/protocol-names.js';
import { isLongerThan } from '../../../codecs/text.js';
import type { AddressMatch, DeviceMatch, ProtocolMatch } from '../base-match.js';
import { RuleFault } from './error.js';
import { matchName } from './known-extensions.js';
import { parseIpv4, parseIpv6, parseMask, parseNumber, parseProtocol } from './values.js';

const MAX_DEVICE_BYTES = 15;
const MAX_HOST_BYTES = 255;
const MAX_POSITION = 0x7fffffff;
const MAX_PROTOCOL = 255;
/** What C's isspace skips. */
const LEADING_SPACE = /^[ \t\n\v\f\r]+/;
const SPACE = 0x20;
const UPPER_CASE = /[A-Z]/g;
/** What looks like an IPv6 address. */
const IPV6 = /^[0-9a-fA-F.]*:[0-9a-fA-F:.]*$/;

/** Parses comma-separated addresses (xtables_ipparse_multiple). */
export function parseAddresses(word: Word, negated: boolean, family: Family): AddressMatch[] {
  if (!word.text.includes(',')) return [parseAddress(word, word.text, negated, family)];
  return word.text.split(',').map((part) => parseAddress(word, part, negated, family));
}

const MASKS: Readonly<Record<Family, string>> = { ipv4: '0–32 or 255.255.255.0', ipv6: '0–128 or ffff::' };

function parseAddress(word: Word, part: string, negated: boolean, family: Family): AddressMatch {
  const trimmed = part.charCodeAt(0) > SPACE ? part : part.replace(LEADING_SPACE, '');
  const slash = trimmed.lastIndexOf('/');
  const text = slash < 0 ? trimmed : trimmed.slice(0, slash);
  const hostMask = prefixMask(family, ADDRESS_BITS[family]);
  const mask = slash < 0 ? hostMask : parseMask(trimmed.slice(slash + 1), family);
  if (mask === undefined && family === 'ipv4' && IPV6.test(text)) throw badAddress(word, text, family);
  if (mask === undefined) {
    const given = trimmed.slice(slash + 1);
    throw new RuleFault(
      word,
      `invalid mask "${given}"`,
      MASKS[family],
      'invalid',
      `invalid mask \`${given}' specified`,
    );
  }
  if (isLongerThan(trimmed, MAX_HOST_BYTES)) {
    throw new RuleFault(word, 'the address is too long', 'at most 255 bytes', 'invalid', 'Hostname too long');
  }
  // With a mask of no bits, as in any/0, iptables does not look at the address.
  const address = mask.isUnspecified ? mask : numericAddress(text, family);
  if (address === undefined) throw badAddress(word, text, family);
  return { address: mask === hostMask ? address : address.masked(mask), mask, negated };
}

function numericAddress(text: string, family: Family): Address | undefined {
  return family === 'ipv4' ? parseIpv4(text) : parseIpv6(text);
}

function badAddress(word: Word, text: string, family: Family): RuleFault {
  const [what, expected] = whyNoAddress(text, family);
  return new RuleFault(word, what, expected, 'invalid', `host/network \`${text}' not found`);
}

function whyNoAddress(text: string, family: Family): readonly [what: string, expected: string] {
  const expected = 'address[/mask] in numbers';
  if (text.startsWith('-')) {
    return [`iptables takes "${text}" for the address`, `a blank between an option and its ${expected}`];
  }
  if (family === 'ipv4' && IPV6.test(text)) {
    return [`"${text}" is an IPv6 address: this is a rule for ip6tables`, 'an IPv4 address'];
  }
  if (family === 'ipv6' && parseIpv4(text) !== undefined) {
    return [`"${text}" is an IPv4 address: this is a rule for iptables`, 'an IPv6 address'];
  }
  const isName = /^[A-Za-z][-.\w]*$/.test(text);
  return [isName ? `"${text}" is a host name: names are not looked up` : `invalid address "${text}"`, expected];
}

/** Leaves out an address that matches everything. */
export function tested(match: AddressMatch | undefined): AddressMatch | undefined {
  return match?.mask.isUnspecified && !match.negated ? undefined : match;
}

export function parseDevice(word: Word, negated: boolean): DeviceMatch {
  const name = word.text;
  if (name === '') {
    const tool = 'Empty interface is likely to be undesired';
    throw new RuleFault(word, 'an empty interface name', 'the name of an interface', 'invalid', tool);
  }
  if (isLongerThan(name, MAX_DEVICE_BYTES)) {
    const tool = `interface name \`${name}' must be shorter than IFNAMSIZ (15)`;
    throw new RuleFault(word, `the interface name "${name}" is too long`, 'at most 15 bytes', 'invalid', tool);
  }
  return { name, negated };
}

/** As C's tolower does in the C locale. */
function asciiLower(text: string): string {
  return text.search(UPPER_CASE) < 0 ? text : text.replace(UPPER_CASE, (letter) => letter.toLowerCase());
}

/** Parses `-p`; undefined for all protocols. */
export function parseProtocolMatch(word: Word, negated: boolean): ProtocolMatch | undefined {
  const number = parseProtocol(word, asciiLower(word.text));
  if (number === 0 && negated) {
    const what = 'a rule that excludes all protocols would never match';
    throw new RuleFault(word, what, '', 'invalid', 'rule would never match protocol');
  }
  return number === 0 ? undefined : { number, negated };
}

/** The name of the match that `-p WORD` loads: that of the protocol as it is written, or of its number. */
export function matchOfProtocol({ text }: Word): string {
  const number = parseNumber(text, MAX_PROTOCOL);
  return matchName(number === undefined ? asciiLower(text) : protocolName(number));
}

/** What C's sscanf takes for a number. */
const COUNTER = /^[ \t\n\v\f\r]*([-+]?)([0-9]+)/;
const COUNTER_BITS = 64;

/** Parses the values of `-c packets bytes` or `-c packets,bytes`; FURTHER is the next word, if it is not an option. */
export function parseCounters(word: Word, packets: Word, further: () => Word | undefined): [bigint, bigint] {
  const comma = packets.text.indexOf(',', 1);
  const bytes = comma < 0 ? further()?.text : packets.text.slice(comma + 1);
  if (bytes === undefined) {
    const tool = '-c requires packet and byte counter';
    throw new RuleFault(word, 'a counter is missing', 'packets bytes', 'invalid', tool);
  }
  return [counterOf(packets, packets.text, 'packet'), counterOf(packets, bytes, 'byte')];
}

function counterOf(word: Word, text: string, what: string): bigint {
  const [, sign, digits] = COUNTER.exec(text) ?? [];
  if (digits === undefined) {
    throw new RuleFault(word, 'bad counters', 'packets bytes', 'invalid', `-c ${what} counter not numeric`);
  }
  return BigInt.asUintN(COUNTER_BITS, sign === '-' ? -BigInt(digits) : BigInt(digits));
}

/** Parses the number of a rule in its chain, from 1. */
export function parsePosition(word: Word): number {
  const number = parseNumber(word.text, MAX_POSITION);
  if (number !== undefined && number > 0) return number;
  const tool = `Invalid rule number \`${word.text}'`;
  throw new RuleFault(word, `invalid rule number "${word.text}"`, 'a number from 1', 'invalid', tool);
}

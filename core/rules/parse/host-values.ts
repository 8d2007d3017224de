/** Addresses as the C library parses them: the values of options such as `--ctorigsrc` and `--on-ip` (XTTYPE_HOST). */
import { ADDRESS_BITS, type Address, type Family, maskLength, prefixMask } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { RuleFault } from './error.js';
import { parseIpv6, parseLibcIpv4, parseNumber } from './values.js';

/** An address and the mask of a prefix. */
export interface HostMask {
  /** As written: iptables-save prints the address with its host bits. */
  readonly address: Address;
  readonly mask: Address;
}

/** Parses the address WORD of FAMILY. Names are not looked up. */
export function parseHost(word: Word, family: Family): Address {
  const address = parseLibcAddress(word.text, family);
  if (address !== undefined) return address;
  throw new RuleFault(
    word,
    `bad address "${word.text}"`,
    `${describe(family)} in numbers: host names are not looked up`,
  );
}

/** Parses `address[/mask]`. The mask is a length or an address; one with holes counts as that of a single address. */
export function parseHostMask(word: Word, family: Family): HostMask {
  const slash = word.text.indexOf('/');
  const address = parseLibcAddress(slash < 0 ? word.text : word.text.slice(0, slash), family);
  const mask = slash < 0 ? prefixMask(family, ADDRESS_BITS[family]) : libcMask(word.text.slice(slash + 1), family);
  if (address !== undefined && mask !== undefined) return { address, mask };
  const expected = `${describe(family)}[/mask] in numbers: host names are not looked up`;
  throw new RuleFault(word, `bad address "${word.text}"`, expected);
}

/** `10.0.0.0/8`, and `10.0.0.1` without a length. */
export function formatHostMask({ address, mask }: HostMask): string {
  const length = maskLength(mask);
  return length === ADDRESS_BITS[mask.family] ? String(address) : `${address}/${length}`;
}

/**
 * Parses a prefix length, or a mask in the forms of an address. One with holes counts as that of a single address
 * (XTTYPE_PLENMASK).
 */
export function parsePrefixMask(word: Word, family: Family): Address {
  const mask = libcMask(word.text, family);
  if (mask !== undefined) return mask;
  throw new RuleFault(word, `bad mask "${word.text}"`, `a prefix length, 0–${ADDRESS_BITS[family]}, or a mask`);
}

const describe = (family: Family): string => (family === 'ipv4' ? 'an IPv4 address' : 'an IPv6 address');

/** Parses an address of FAMILY as the C library does, without looking up names. */
export function parseLibcAddress(text: string, family: Family): Address | undefined {
  return family === 'ipv4' ? parseLibcIpv4(text) : parseIpv6(text);
}

/** A prefix length, or a mask in the forms of an address: /33 is the mask 0.0.0.33, which has holes. */
function libcMask(text: string, family: Family): Address | undefined {
  const bits = ADDRESS_BITS[family];
  const length = parseNumber(text, bits);
  if (length !== undefined) return prefixMask(family, length);
  const mask = parseLibcAddress(text, family);
  return mask && prefixMask(family, maskLength(mask) ?? bits);
}

/** An address with a mask as the C library reads it (XTTYPE_HOSTMASK of iptables). */
import { ADDRESS_BITS, type Address, type Family, maskLength, parseAddress, prefixMask } from '../../codecs/address.js';
import type { Word } from '../../codecs/iptables-save.js';
import { RuleFault } from '../rules/parse/error.js';
import { parseLibcIpv4, parseNumber } from '../rules/parse/values.js';

export interface Network {
  /** Masked. */
  readonly address: Address;
  readonly mask: Address;
}

/** Parses `address[/mask]`. The mask is a length or an address; one with holes counts as that of a single address. */
export function parseHostMask(word: Word, family: Family): Network {
  const { text } = word;
  const slash = text.indexOf('/');
  const address = parseLibcAddress(slash < 0 ? text : text.slice(0, slash), family);
  if (address === undefined) throw new RuleFault(word, `bad address in "${text}"`, 'address[/mask]');
  const length = slash < 0 ? ADDRESS_BITS[family] : parseLength(text.slice(slash + 1), family);
  if (length === undefined) throw new RuleFault(word, `bad mask in "${text}"`, `address/0–${ADDRESS_BITS[family]}`);
  const mask = prefixMask(family, length);
  return { address: address.masked(mask), mask };
}

function parseLength(text: string, family: Family): number | undefined {
  const bits = ADDRESS_BITS[family];
  const length = parseNumber(text, bits);
  if (length !== undefined) return length;
  const mask = parseLibcAddress(text, family);
  return mask && (maskLength(mask) ?? bits);
}

function parseLibcAddress(text: string, family: Family): Address | undefined {
  if (family === 'ipv4') return parseLibcIpv4(text);
  const address = parseAddress(text);
  return address?.family === family ? address : undefined;
}

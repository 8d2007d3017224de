/** Addresses, prefixes and scopes in the JSON of a host. */
import { ADDRESS_BITS, type Address, type Family, parseAddress, prefixMask } from '../address.js';
import type { Prefix } from './description.js';
import { HostError } from './error.js';
import { mismatch, numberedAt, quote, stringAt } from './json-values.js';

const SCOPES: Readonly<Record<string, number>> = {
  global: 0,
  universe: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};

const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };
export const LINK_SCOPE = 253;
export const HOST_SCOPE = 254;

export function prefixAt(text: string, path: string, family: Family): Prefix {
  if (text === 'default') return { address: prefixMask(family, 0), prefixLength: 0 };
  const [, network, length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = network === undefined ? undefined : parseAddress(network);
  const prefixLength = length === undefined ? ADDRESS_BITS[family] : Number(length);
  if (address?.family !== family || prefixLength > ADDRESS_BITS[family]) {
    throw mismatch(path, `\`default\`, an ${FAMILY_NAMES[family]} address or a prefix`, quote(text));
  }
  if (!address.masked(prefixMask(family, prefixLength)).equals(address))
    throw new HostError(path, `${quote(text)} has bits set beyond its prefix length`);
  return { address, prefixLength };
}

export function addressAt(value: unknown, path: string, family: Family): Address {
  const text = stringAt(value, path);
  const address = parseAddress(text);
  if (address?.family !== family) throw mismatch(path, `an ${FAMILY_NAMES[family]} address`, quote(text));
  return address;
}

/** Undefined if VALUE is missing, or 0.0.0.0 or ::, which mean the same to the kernel. */
export function specifiedAt(value: unknown, path: string, family: Family): Address | undefined {
  const address = value === undefined ? undefined : addressAt(value, path, family);
  return address?.isUnspecified ? undefined : address;
}

export function macAt(value: unknown, path: string): Uint8Array {
  const text = stringAt(value, path);
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text)) throw mismatch(path, 'a MAC address of six bytes', quote(text));
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

export function scopeAt(value: unknown, path: string): number {
  return numberedAt(value, path, SCOPES, 'a scope', 255);
}

/** The prefix for messages, as ip(8) writes it. */
export function formatPrefix(address: Address, prefixLength: number): string {
  if (prefixLength === 0) return 'default';
  return prefixLength === ADDRESS_BITS[address.family] ? String(address) : `${address}/${prefixLength}`;
}

/** Addresses and prefixes of IPv4, as text and as numbers. */
import { addressFromHostOrder, parseAddress } from '../../codecs/address.js';

/** A prefix, or an address with the length of its network. */
export interface Prefix {
  /** The address, in host order, with the bits behind the length as they were given. */
  readonly address: number;
  readonly length: number;
}

/** Undefined if TEXT is not an IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  const address = parseAddress(text);
  return address?.family === 'ipv4' ? address.hostOrder : undefined;
}

export function formatIpv4(address: number): string {
  return addressFromHostOrder(address >>> 0).toString();
}

/** `10.0.0.1/8`; undefined if TEXT is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, ip, digits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const address = ip === undefined ? undefined : parseIpv4(ip);
  const length = Number(digits);
  return address === undefined || length > 32 ? undefined : { address, length };
}

/** PREFIX with all bits behind its length zero. */
export function networkOf({ address, length }: Prefix): Prefix {
  return { address: firstOf({ address, length }), length };
}

export function formatPrefix({ address, length }: Prefix): string {
  return `${formatIpv4(address)}/${length}`;
}

function sizeOf(length: number): number {
  return 2 ** (32 - length);
}

export function firstOf({ address, length }: Prefix): number {
  return address - (address % sizeOf(length));
}

export function lastOf(prefix: Prefix): number {
  return firstOf(prefix) + sizeOf(prefix.length) - 1;
}

export function isWithin(address: number, prefix: Prefix): boolean {
  return address >= firstOf(prefix) && address <= lastOf(prefix);
}

export function doOverlap(a: Prefix, b: Prefix): boolean {
  return firstOf(a) <= lastOf(b) && firstOf(b) <= lastOf(a);
}

/** The networks of LENGTH bits in BASE, in ascending order. */
export function* subnetsOf(base: Prefix, length: number): Generator<Prefix> {
  for (let address = firstOf(base); address <= lastOf(base); address += sizeOf(length)) yield { address, length };
}

/**
 * hot: the byte orders of IPv4 addresses and ports as numbers, and the only conversions between them.
 *
 * **The rule.** Addresses and ports that are copied and compared for equality (tuples, connections, next hops,
 * addresses of packets) are *loaded*: int32 and uint16 as a little-endian load reads them from a packet, so that no
 * packet pays for a swap. Numbers that are ordered or used in arithmetic (ranges, routing intervals, hashes over a
 * range, ports of a decoded packet) are in *host order*: unsigned, as people write them. The types of a function state
 * which of the two it takes; a number of one kind is not assignable to the other. Code that does not run per packet
 * uses `Address` instead (address.ts).
 */

/** An IPv4 address as loaded little-endian: int32. */
export type LoadedAddress = number & { readonly byteOrder?: 'loaded' };
/** An IPv4 address in host order: from 0 to 2^32 − 1. */
export type HostOrderAddress = number & { readonly byteOrder?: 'host' };
/** A port, or another 16-bit field, as loaded little-endian. */
export type LoadedPort = number & { readonly byteOrder?: 'loaded' };
/** The same field in host order. */
export type HostOrderPort = number & { readonly byteOrder?: 'host' };

export function toHostOrder(address: LoadedAddress): HostOrderAddress {
  return swap32(address) >>> 0;
}

export function toLoaded(address: HostOrderAddress): LoadedAddress {
  return swap32(address);
}

export function portToHostOrder(port: LoadedPort): HostOrderPort {
  return swap16(port);
}

export function portToLoaded(port: HostOrderPort): LoadedPort {
  return swap16(port);
}

function swap32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function swap16(word: number): number {
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}

/** 0 to 255 as text, as a list of a million connections has 16 million of them. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => String(octet));

/** ADDRESS in dotted notation. */
export function formatLoaded(address: LoadedAddress): string {
  const upperHalf = `${OCTETS[address & 255]}.${OCTETS[(address >>> 8) & 255]}`;
  return `${upperHalf}.${OCTETS[(address >>> 16) & 255]}.${OCTETS[address >>> 24]}`;
}

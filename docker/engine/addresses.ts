/**
 * Which address of a subnet is given out next: the lowest one that is free (libnetwork/bitmap). An address that was
 * given back is the next one to be given out again.
 */
import type { AddressingState } from '../model.js';
import { firstOf, formatIpv4, isWithin, lastOf, type Prefix, parseIpv4 } from './prefixes.js';

export const NO_ADDRESSES: AddressingState = { taken: [] };

/** Which addresses a network gives out. */
export interface AddressSpace {
  readonly subnet: Prefix;
  /** Undefined: all of the subnet. */
  readonly range: Prefix | undefined;
}

/** The lowest free address; undefined: none. The first and the last one of the subnet are never given out. */
export function freeAddress({ subnet, range }: AddressSpace, { taken }: AddressingState): string | undefined {
  const used = new Set(taken.map(parseIpv4));
  const from = range ?? subnet;
  for (let address = firstOf(from); address <= lastOf(from); address++) {
    if (!used.has(address) && !isReserved(address, subnet)) return formatIpv4(address);
  }
  return undefined;
}

export function isFree(address: number, { subnet }: AddressSpace, { taken }: AddressingState): boolean {
  return isWithin(address, subnet) && !isReserved(address, subnet) && !taken.includes(formatIpv4(address));
}

function isReserved(address: number, subnet: Prefix): boolean {
  return address === firstOf(subnet) || address === lastOf(subnet);
}

export function withAddress({ taken }: AddressingState, address: string): AddressingState {
  const order = (text: string): number => parseIpv4(text) ?? 0;
  return { taken: [...taken, address].sort((a, b) => order(a) - order(b)) };
}

export function withoutAddress({ taken }: AddressingState, address: string): AddressingState {
  return { taken: taken.filter((other) => other !== address) };
}

/**
 * What a case is made of that says whose it is. Whatever rewrites a part of a case asks a Replacer: first one that
 * takes down what there is (`Inventory`), then one that replaces it (`Replacements`).
 */
import type { Address } from '../../codecs/address.js';
import type { FrameParts } from './link-frames.js';
import type { Pattern } from './payload.js';

/** Kinds of names, each with names of its own. */
export const NAME_KINDS = [
  ...['chain', 'set', 'comment', 'prefix', 'list', 'user', 'group', 'realm', 'device group', 'table', 'path'],
  ...['name', 'claim', 'file'],
] as const;
export type NameKind = (typeof NAME_KINDS)[number];

export interface Replacer extends FrameParts {
  /** An address, on its own. */
  one(address: Address): Address;
  /** An address of the host, in a network of LENGTH bits: its own address, and its broadcast address, stay that. */
  inSubnet(address: Address, length: number): Address;
  /** The address of a network of LENGTH bits, or one in it. */
  inNetwork(address: Address, length: number): Address;
  range(first: Address, last: Address): readonly [Address, Address];
  /** ADDRESS is compared under MASK, of which the bits are not contiguous. */
  masked(address: Address, mask: Address): Address;
  /** Addresses are translated to those of this network, with the same bits behind the first LENGTH. */
  mappedTo(address: Address, length: number): Address;
  macText(text: string): string;
  /** The name of an interface, or what names begin with. */
  iface(name: string): string;
  named(kind: NameKind, name: string): string;
  /** What `-m string` looks for. */
  pattern(pattern: Pattern): Uint8Array;
  /** Seconds since 1970, of a packet. */
  time(seconds: number): number;
  /** The same, of an option. */
  moment(seconds: number): number;
}

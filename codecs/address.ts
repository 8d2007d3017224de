/**
 * IP addresses as values of 4 or 16 bytes, for everything that does not run per packet: parsing, saving, hosts, routes,
 * NAT ranges. Hot code uses the numbers in `loaded` and `hostOrder` (see the rule in byte-order.ts).
 */
import { formatLoaded, type HostOrderAddress, type LoadedAddress, toHostOrder, toLoaded } from './byte-order.js';

export type Family = 'ipv4' | 'ipv6';

/** The length of an address in bits. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { ipv4: 32, ipv6: 128 };

/** An address or network mask of 4 or 16 bytes. Immutable. */
export class Address {
  /** The last four bytes in network order, as int32: all of an IPv4 address. */
  readonly tail: number;
  /**
   * The three words before them; undefined for IPv4. (An array or a Uint8Array for every address would take most of the
   * memory of a large ruleset.)
   */
  readonly head: readonly number[] | undefined;

  /** TAIL: the last four bytes in network order, as int32. HEAD: the three words before them, for IPv6. */
  constructor(tail: number, head?: readonly number[]) {
    this.tail = tail;
    this.head = head;
  }

  get family(): Family {
    return this.head === undefined ? 'ipv4' : 'ipv6';
  }

  /** The 32-bit words in network order, as int32: one for IPv4, four for IPv6. */
  get words(): readonly number[] {
    return this.head === undefined ? [this.tail] : [...this.head, this.tail];
  }

  /** The 4 or 16 bytes in network order. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word]));
  }

  /** The IPv4 address in host order, for comparing order. Throws a RangeError for IPv6. */
  get hostOrder(): HostOrderAddress {
    if (this.head !== undefined) throw new RangeError(`${this} is not an IPv4 address`);
    return this.tail >>> 0;
  }

  /** The IPv4 address as loaded little-endian, for comparing equality. Throws a RangeError for IPv6. */
  get loaded(): LoadedAddress {
    return toLoaded(this.hostOrder);
  }

  /** Whether all bits are zero: 0.0.0.0 or ::. */
  get isUnspecified(): boolean {
    return this.tail === 0 && (this.head === undefined || this.head.every((word) => word === 0));
  }

  equals(other: Address): boolean {
    return this.tail === other.tail && (this.head === other.head || compareAddresses(this, other) === 0);
  }

  /** The bitwise AND with MASK, which must be of the same family. */
  masked(mask: Address): Address {
    if (this.head === undefined) return new Address(this.tail & mask.tail);
    const { words } = mask;
    return addressFromWords(this.words.map((word, i) => word & words[i]));
  }

  /** Whether the first LENGTH bits are those of NETWORK; false if the families differ. */
  hasPrefix(network: Address, length: number): boolean {
    if (this.family !== network.family) return false;
    const mask = prefixMask(this.family, length);
    return this.masked(mask).equals(network.masked(mask));
  }

  /** The last address with the same first LENGTH bits. */
  lastInPrefix(length: number): Address {
    const { words } = prefixMask(this.family, length);
    return addressFromWords(this.words.map((word, i) => word | ~words[i]));
  }

  /** The address COUNT after this one (COUNT may be negative); undefined if that is outside the family's range. */
  plus(count: number): Address | undefined {
    const sum = this.words.reduce((number, word) => (number << 32n) | BigInt(word >>> 0), 0n) + BigInt(count);
    if (sum < 0n || sum >> BigInt(ADDRESS_BITS[this.family]) !== 0n) return undefined;
    const last = this.words.length - 1;
    return addressFromWords(this.words.map((_, i) => Number(BigInt.asIntN(32, sum >> BigInt(32 * (last - i))))));
  }

  /** A dotted quad, or the canonical form of RFC 5952. */
  toString(): string {
    return this.head === undefined ? formatLoaded(this.loaded) : formatIpv6(this.bytes);
  }
}

/** Negative if A comes before B, 0 if they are equal, else positive. IPv4 comes before IPv6. */
export function compareAddresses(a: Address, b: Address): number {
  const left = a.words;
  const right = b.words;
  if (left.length !== right.length) return left.length - right.length;
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i]) return (left[i] >>> 0) - (right[i] >>> 0);
  }
  return 0;
}

export function addressFromLoaded(address: LoadedAddress): Address {
  return addressFromHostOrder(toHostOrder(address));
}

export function addressFromHostOrder(address: HostOrderAddress): Address {
  return new Address(address | 0);
}

/** The address of one or four WORDS in network order, as int32. */
export function addressFromWords(words: readonly number[]): Address {
  if (words.length !== 1 && words.length !== 4) {
    throw new RangeError(`an address has 4 or 16 bytes, but got ${words.length * 4}`);
  }
  return words.length === 1 ? new Address(words[0]) : new Address(words[3], words.slice(0, 3));
}

/** The address of 4 or 16 BYTES in network order. */
export function addressFromBytes(bytes: Uint8Array): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return addressFromWords(Array.from({ length: bytes.length >> 2 }, (_, i) => view.getInt32(i * 4)));
}

/** All masks, indexed by prefix length. */
const MASKS: Readonly<Record<Family, readonly Address[]>> = { ipv4: masksOf('ipv4'), ipv6: masksOf('ipv6') };

function masksOf(family: Family): Address[] {
  const bits = ADDRESS_BITS[family];
  return Array.from({ length: bits + 1 }, (_, length) => {
    const words = Array.from({ length: bits / 32 }, (_, word) => {
      const set = Math.min(Math.max(length - word * 32, 0), 32);
      return set === 0 ? 0 : -1 << (32 - set);
    });
    return addressFromWords(words);
  });
}

/** The mask of a prefix of LENGTH bits. */
export function prefixMask(family: Family, length: number): Address {
  return MASKS[family][length];
}

/** The prefix length of MASK; undefined if its bits are not contiguous. */
export function maskLength(mask: Address): number | undefined {
  const length = mask.words.reduce((sum, word) => sum + Math.clz32(~word), 0);
  return mask.equals(prefixMask(mask.family, length)) ? length : undefined;
}

/** Parses TEXT: a dotted quad, or IPv6 in any form of RFC 4291 without a zone. Returns undefined if it is neither. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const address = parseDottedQuad(text);
    return address === undefined ? undefined : addressFromHostOrder(address);
  }
  const groups = parseIpv6(text);
  if (groups === undefined) return undefined;
  return addressFromWords([0, 2, 4, 6].map((i) => (groups[i] << 16) | groups[i + 1]));
}

const ZERO = 0x30;
const DOT = 0x2e;

/** Four decimal numbers without leading zeros. */
function parseDottedQuad(text: string): HostOrderAddress | undefined {
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === DOT) {
      if (digits === 0) return undefined;
      address = address * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else {
      const digit = char - ZERO;
      if (digit < 0 || digit > 9 || (part === 0 && digits > 0)) return undefined;
      part = part * 10 + digit;
      digits++;
      if (part > 255) return undefined;
    }
  }
  return dots === 3 && digits > 0 ? address * 256 + part : undefined;
}

const GROUPS = 8;

/** The eight groups of an IPv6 address. */
function parseIpv6(text: string): number[] | undefined {
  const [head, tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const before = parseGroups(head, tail === undefined);
  const after = tail === undefined ? [] : parseGroups(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const zeros = GROUPS - before.length - after.length;
  // `::` stands for at least one group.
  if (tail === undefined ? zeros !== 0 : zeros < 1) return undefined;
  return [...before, ...new Array<number>(zeros).fill(0), ...after];
}

/** 16-bit groups separated by colons. IS_LAST: the last two may be written as a dotted quad. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[\da-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const quad = isLast && i === parts.length - 1 ? parseDottedQuad(part) : undefined;
      if (quad === undefined) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    }
  }
  return groups;
}

/**
 * RFC 5952, with IPv4-mapped and IPv4-compatible addresses in mixed notation, as inet_ntop and thus all tools write
 * them.
 */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: GROUPS }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  const { start, length } = longestZeros(groups);
  const isMapped = start === 0 && length === 5 && groups[5] === 0xffff;
  const isMixed = isMapped || (start === 0 && length === 6);
  const texts = groups.map((group) => group.toString(16));
  if (isMixed) texts.splice(6, 2, bytes.subarray(12).join('.'));
  if (length < 2) return texts.join(':');
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`;
}

/** The longest run of zero groups; of equally long runs, the first. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (end < GROUPS && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

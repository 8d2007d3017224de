/**
 * Replaces addresses so that two of them have as many leading bits in common as before: each bit is flipped, or not,
 * depending on the secret and on the bits before it (as Crypto-PAn does: Xu et al., "Prefix-preserving IP address
 * anonymization", 2002). Bits that decide what an address means are not flipped.
 */
import { ADDRESS_BITS, type Address, addressFromWords, type Family } from '../../codecs/address.js';
import type { Secret } from '../../io/secret.js';

type Bits = bigint;

interface Block {
  readonly bits: Bits;
  readonly length: number;
}

/** Addresses that stay what they are, all of them. */
const FIXED: Readonly<Record<Family, readonly Block[]>> = {
  ipv4: blocks(32, ['00000000/8', '7f000000/8', 'a9fe0000/16', 'e0000000/3']),
  ipv6: blocks(128, ['00000000000000000000000000000000/127', 'ff000000000000000000000000000000/8']),
};
/** Addresses that are replaced by others of the same block: private ones, those of documentation and benchmarks. */
const KEPT: Readonly<Record<Family, readonly Block[]>> = {
  ipv4: blocks(32, [
    ...['0a000000/8', '64400000/10', 'ac100000/12', 'c0a80000/16'],
    ...['c0000000/24', 'c0000200/24', 'c6336400/24', 'cb007100/24', 'c6120000/15', 'c0586300/24'],
  ]),
  ipv6: blocks(128, [
    ...['fe800000000000000000000000000000/64', 'fc000000000000000000000000000000/7'],
    ...['20010db8000000000000000000000000/32', '00000000000000000000ffff00000000/96'],
    ...['0064ff9b000000000000000000000000/96', '20020000000000000000000000000000/16'],
    // Groups of multicast that end like an address (solicited-node, RFC 4291).
    'ff0200000000000000000001ff000000/104',
  ]),
};
const SOLICITED_NODE = BigInt('0xff0200000000000000000001ff');
const SOLICITED_NODE_END = 24n;

function blocks(width: number, texts: readonly string[]): Block[] {
  return texts.map((text) => {
    const [hex, length] = text.split('/');
    return { bits: BigInt(`0x${hex}`) >> BigInt(width - Number(length)), length: Number(length) };
  });
}

/** What the addresses of a case need, besides their prefixes. */
export class AddressNeeds {
  readonly subnets: { readonly address: Address; readonly length: number }[] = [];
  readonly ranges: { readonly first: Address; readonly last: Address }[] = [];
  /** Positions of bits that are compared without all bits before them: by masks such as 255.0.0.255. */
  readonly loneBits = new Set<number>();
  /** Lengths of prefixes behind which the bits are replaced in the same way in all networks, as NETMAP keeps them. */
  readonly mappedLengths = new Set<number>();
}

/** The replacements of addresses of one family. */
export class AddressMap {
  readonly #secret: Secret;
  readonly #family: Family;
  readonly #label: string;
  readonly #width: number;
  /** By the position of a bit, the first one that it depends on. */
  readonly #starts: readonly number[];
  readonly #loneBits: ReadonlySet<number>;
  /** Bits that are not flipped, by their position and the bits before them. */
  readonly #pinned = new Set<string>();
  readonly #flips = new Map<string, boolean>();

  /** VARIANT: of several with the same secret. */
  constructor(
    secret: Secret,
    family: Family,
    variant: number,
    { subnets, ranges, loneBits, mappedLengths }: AddressNeeds,
  ) {
    this.#secret = secret;
    this.#family = family;
    this.#label = `${family} ${variant}`;
    this.#width = ADDRESS_BITS[family];
    const lengths = family === 'ipv4' ? [0, ...mappedLengths] : [0];
    this.#starts = Array.from({ length: this.#width }, (_, at) =>
      Math.max(...lengths.filter((length) => length <= at)),
    );
    this.#loneBits = family === 'ipv4' ? loneBits : new Set();
    for (const { bits, length } of KEPT[family]) this.#pin(bits << BigInt(this.#width - length), 0, length);
    for (const { bits, length } of FIXED[family]) this.#pin(bits << BigInt(this.#width - length), 0, length);
    for (const { address, length } of subnets) this.#pinEnds(address, length);
    for (const { first, last } of ranges) this.#pinRange(first, last);
  }

  address(address: Address): Address {
    return addressOf(this.#replaced(bitsOf(address)), this.#width);
  }

  /** An IPv4 address as a number in host order. */
  number(address: number): number {
    return Number(this.#replaced(BigInt(address)));
  }

  #replaced(bits: Bits): Bits {
    const width = this.#width;
    const fixed = FIXED[this.#family].find(({ bits: prefix, length }) => bits >> BigInt(width - length) === prefix);
    const hasEnd = this.#family === 'ipv6' && bits >> SOLICITED_NODE_END === SOLICITED_NODE;
    if (fixed !== undefined && !hasEnd) return bits;
    let replaced = 0n;
    for (let at = 0; at < width; at++) {
      const bit = (bits >> BigInt(width - 1 - at)) & 1n;
      replaced = (replaced << 1n) | (this.#isFlipped(bits, at) ? bit ^ 1n : bit);
    }
    return replaced;
  }

  #isFlipped(bits: Bits, at: number): boolean {
    if (this.#loneBits.has(at)) return false;
    const node = this.#node(bits, at);
    const known = this.#flips.get(node);
    if (known !== undefined) return known;
    const flips = !this.#pinned.has(node) && (this.#secret.number(`${this.#label} ${node}`) & 1) === 1;
    this.#flips.set(node, flips);
    return flips;
  }

  /** The bits before the one AT, as far as it depends on them. */
  #node(bits: Bits, at: number): string {
    const mask = (1n << BigInt(at - this.#starts[at])) - 1n;
    return `${at}:${((bits >> BigInt(this.#width - at)) & mask).toString(16)}`;
  }

  /** The bits FROM … TO of BITS are not flipped. */
  #pin(bits: Bits, from: number, to: number): void {
    for (let at = from; at < to; at++) this.#pinned.add(this.#node(bits, at));
  }

  /** The network's own address and its broadcast address stay that. */
  #pinEnds(address: Address, length: number): void {
    const hosts = (1n << BigInt(this.#width - length)) - 1n;
    const bits = bitsOf(address);
    this.#pin(bits & ~hosts, length, this.#width);
    this.#pin(bits | hosts, length, this.#width);
  }

  /** The addresses between the two are again those between their replacements. */
  #pinRange(first: Address, last: Address): void {
    const [from, to] = [bitsOf(first), bitsOf(last)];
    const differing = from ^ to;
    const common = differing === 0n ? this.#width : this.#width - differing.toString(2).length;
    this.#pin(from, common, this.#width);
    this.#pin(to, common, this.#width);
  }
}

/** Whether ADDRESS, in host order, is one of those that always stay, such as 127.0.0.1. */
export function isFixed(address: number): boolean {
  return FIXED.ipv4.some(({ bits, length }) => BigInt(address) >> BigInt(32 - length) === bits);
}

/** Whether ADDRESS, in host order, is the first of a block that stays, such as 10.0.0.0: that says nothing. */
export function isFirstOfBlock(address: number): boolean {
  return KEPT.ipv4.some(({ bits, length }) => bits << BigInt(32 - length) === BigInt(address));
}

function bitsOf(address: Address): Bits {
  return address.words.reduce((bits, word) => (bits << 32n) | BigInt(word >>> 0), 0n);
}

function addressOf(bits: Bits, width: number): Address {
  const words = Array.from({ length: width / 32 }, (_, word) =>
    Number(BigInt.asIntN(32, bits >> BigInt(width - 32 * (word + 1)))),
  );
  return addressFromWords(words);
}

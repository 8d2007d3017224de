/** Takes down all that a case says about whose it is, and what the replacements have to keep. Replaces nothing. */
import { ADDRESS_BITS, type Address, addressFromBytes, maskLength, prefixMask } from '../../codecs/address.js';
import { AddressNeeds } from './address-map.js';
import type { Pattern } from './payload.js';
import type { NameKind, Replacer } from './replacer.js';

/** What NFLOG passes of a prefix, at least (NFULNL_PREFIXLEN), in characters of which none has more than two bytes. */
const CUT_PREFIX_CHARS = 31;

export class Inventory implements Replacer {
  readonly needs = new AddressNeeds();
  /** IPv4 addresses in host order. */
  readonly addresses = new Set<number>();
  /** Those of networks, of which no packet is. */
  readonly networks = new Map<string, { readonly address: Address; readonly length: number }>();
  /** IPv6 addresses, as text. */
  readonly addresses6 = new Set<string>();
  /** MAC addresses as hexadecimal digits. */
  readonly macs = new Set<string>();
  readonly interfaces = new Set<string>();
  readonly names = new Map<NameKind, Set<string>>();
  readonly patterns: Pattern[] = [];
  readonly kept = new Set<string>();
  readonly #fragmentEnds = new Map<number, Set<number>>();
  /** The time of the first packet, in seconds. */
  firstSecond = Number.POSITIVE_INFINITY;

  one(address: Address): Address {
    if (address.family === 'ipv4') this.addresses.add(address.hostOrder);
    else this.addresses6.add(String(address));
    return address;
  }

  inSubnet(address: Address, length: number): Address {
    this.needs.subnets.push({ address, length });
    return this.one(address);
  }

  inNetwork(address: Address, length: number): Address {
    const isNetwork = length < ADDRESS_BITS[address.family] && isFirstOf(address, length);
    if (!isNetwork) return this.one(address);
    this.networks.set(`${address}/${length}`, { address, length });
    return address;
  }

  range(first: Address, last: Address): readonly [Address, Address] {
    this.needs.ranges.push({ first, last });
    return [this.one(first), this.one(last)];
  }

  masked(address: Address, mask: Address): Address {
    if (address.family === 'ipv4' && maskLength(mask) === undefined) {
      const bits = mask.hostOrder;
      const leading = Math.clz32(~bits);
      for (let at = leading; at < 32; at++) if ((bits >>> (31 - at)) & 1) this.needs.loneBits.add(at);
    }
    // A part of addresses is none.
    return address.masked(mask).equals(address) ? address : this.one(address);
  }

  mappedTo(address: Address, length: number): Address {
    if (address.family === 'ipv4') this.needs.mappedLengths.add(length);
    return this.inNetwork(address, length);
  }

  macText(text: string): string {
    this.macs.add(text.replaceAll(':', '').toLowerCase());
    return text;
  }

  iface(name: string): string {
    this.interfaces.add(name);
    return name;
  }

  named(kind: NameKind, name: string): string {
    const names = this.names.get(kind) ?? new Set();
    this.names.set(kind, names.add(name));
    return name;
  }

  pattern(pattern: Pattern): Uint8Array {
    this.patterns.push(pattern);
    return pattern.bytes;
  }

  time(seconds: number): number {
    this.firstSecond = Math.min(this.firstSecond, seconds);
    return seconds;
  }

  moment(seconds: number): number {
    return seconds;
  }

  keeps(what: string): void {
    this.kept.add(what);
  }

  address(address: number): number {
    this.addresses.add(address);
    return address;
  }

  address6(bytes: Uint8Array): void {
    this.addresses6.add(String(addressFromBytes(bytes)));
  }

  mac(bytes: Uint8Array): void {
    this.macs.add(Buffer.from(bytes).toString('hex'));
  }

  prefix(text: string): string {
    return this.named('prefix', this.wholePrefix(text));
  }

  /** The prefix that TEXT is the beginning of, as NFLOG cuts long ones; itself, if there is none. */
  wholePrefix(text: string): string {
    if (text.length < CUT_PREFIX_CHARS) return text;
    return [...(this.names.get('prefix') ?? [])].find((one) => one.startsWith(text)) ?? text;
  }

  begin(): void {}

  payload(): void {}

  fragment(id: number, from: number, to: number): void {
    const ends = this.#fragmentEnds.get(id) ?? new Set();
    this.#fragmentEnds.set(id, ends.add(from).add(to));
  }

  fragmentEnds(id: number): readonly number[] | undefined {
    const ends = this.#fragmentEnds.get(id);
    return ends === undefined ? undefined : [...ends].sort((a, b) => a - b);
  }

  /** Whether ADDRESS, in host order, is one of the case. */
  has(address: number): boolean {
    return this.addresses.has(address);
  }
}

/** Whether ADDRESS has no bits behind the first LENGTH. */
export function isFirstOf(address: Address, length: number): boolean {
  return address.masked(prefixMask(address.family, length)).equals(address);
}

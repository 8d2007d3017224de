/** Replaces what an Inventory has taken down, the same by the same everywhere. */
import { type Address, addressFromBytes, parseAddress, prefixMask } from '../../codecs/address.js';
import type { Secret } from '../../io/secret.js';
import { AddressMap, isFixed } from './address-map.js';
import { ByteSubstitution } from './byte-substitution.js';
import { InterfaceNames } from './interface-names.js';
import { type Inventory, isFirstOf } from './inventory.js';
import type { KeptBytes } from './kept-bytes.js';
import { type KnownName, knownChain, knownSet } from './known-names.js';
import { type Pattern, PayloadFiller, type PayloadPlace } from './payload.js';
import type { NameKind, Replacer } from './replacer.js';

const MAC_BYTES = 6;
/** Of the first byte: a group address, and one that no manufacturer has given. */
const MAC_KIND_BITS = 3;
/** 02:00 and 02:42, behind which nfreplay and Docker put the IPv4 address. */
const ADDRESS_MACS: readonly number[] = [0x0200, 0x0242];
/** 00:00:5e: VRRP and the like. */
const IANA = '00005e';

export interface ReplacementSettings {
  readonly shiftSeconds: number;
  /** Sequence numbers of TCP stay the same on the way through the host. */
  readonly hasStreams: boolean;
  readonly keptBytes: KeptBytes | undefined;
  /** What `-m string` looks for is replaced. */
  readonly hasPatterns: boolean;
}

export class Replacements implements Replacer {
  readonly kept = new Set<string>();
  readonly #inventory: Inventory;
  readonly #secret: Secret;
  readonly #shiftSeconds: number;
  readonly #ipv4: AddressMap;
  readonly #ipv6: AddressMap;
  readonly #interfaces: InterfaceNames;
  readonly #bytes: ByteSubstitution;
  readonly #filler: PayloadFiller;
  readonly #addresses = new Map<number, number>();
  readonly #macs = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #given = new Set<string>();
  readonly #counts = new Map<NameKind, number>();

  constructor(
    inventory: Inventory,
    secret: Secret,
    { shiftSeconds, hasStreams, keptBytes, hasPatterns }: ReplacementSettings,
  ) {
    this.#inventory = inventory;
    this.#secret = secret;
    this.#shiftSeconds = shiftSeconds;
    this.#ipv4 = bestMap(secret, inventory);
    this.#ipv6 = new AddressMap(secret, 'ipv6', 0, inventory.needs);
    this.#interfaces = new InterfaceNames(secret);
    this.#bytes = new ByteSubstitution(secret, hasPatterns);
    this.#filler = new PayloadFiller(secret, this.#bytes, inventory.patterns, hasStreams, keptBytes);
  }

  one(address: Address): Address {
    return address.family === 'ipv4' ? this.#ipv4.address(address) : this.#ipv6.address(address);
  }

  inSubnet(address: Address): Address {
    return this.one(address);
  }

  /** The address of a network is again one: without bits behind its prefix. */
  inNetwork(address: Address, length: number): Address {
    const replaced = this.one(address);
    return isFirstOf(address, length) ? replaced.masked(prefixMask(address.family, length)) : replaced;
  }

  range(first: Address, last: Address): readonly [Address, Address] {
    return [this.one(first), this.one(last)];
  }

  masked(address: Address, mask: Address): Address {
    const replaced = this.one(address);
    return address.masked(mask).equals(address) ? replaced.masked(mask) : replaced;
  }

  mappedTo(address: Address, length: number): Address {
    return this.inNetwork(address, length);
  }

  address(address: number): number {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    const replaced = this.#ipv4.number(address);
    this.#addresses.set(address, replaced);
    return replaced;
  }

  address6(bytes: Uint8Array): void {
    bytes.set(this.#ipv6.address(addressFromBytes(bytes)).bytes);
  }

  mac(bytes: Uint8Array): void {
    bytes.set(Buffer.from(this.macHex(Buffer.from(bytes).toString('hex')), 'hex'));
  }

  macText(text: string): string {
    return (this.macHex(text.replaceAll(':', '').toLowerCase()).match(/../g) ?? []).join(':');
  }

  /** The replacement of a MAC address of hexadecimal digits. */
  macHex(hex: string): string {
    const known = this.#macs.get(hex);
    if (known !== undefined) return known;
    const replaced = this.#newMac(hex);
    this.#macs.set(hex, replaced);
    return replaced;
  }

  #newMac(hex: string): string {
    const bytes = Buffer.from(hex, 'hex');
    const isIpv6Group = hex.startsWith('3333ff');
    // Group addresses say what they are for, with IPv6 also the end of an address.
    if ((bytes[0] & 1) === 1 && !isIpv6Group) return hex;
    if (/^0+$/.test(hex) || hex.startsWith(IANA)) return hex;
    const random = Buffer.from(this.#secret.bytes(`mac ${hex}`, MAC_BYTES));
    if (isIpv6Group) return hex.slice(0, 6) + random.toString('hex').slice(6);
    const address = bytes.readUInt32BE(2);
    if (ADDRESS_MACS.includes(bytes.readUInt16BE(0)) && this.#inventory.has(address)) {
      bytes.writeUInt32BE(this.address(address), 2);
      return bytes.toString('hex');
    }
    random[0] = (random[0] & ~MAC_KIND_BITS) | (bytes[0] & MAC_KIND_BITS);
    // One of 02:00 or 02:42 would look as if it followed an address.
    if ((bytes[0] & MAC_KIND_BITS) === 2) random[0] = 2;
    if (ADDRESS_MACS.includes(random.readUInt16BE(0))) random[1] ^= 0x81;
    return random.toString('hex');
  }

  iface(name: string): string {
    return this.#interfaces.replaced(name);
  }

  named(kind: NameKind, name: string): string {
    if (name === '') return name;
    const key = `${kind} ${name}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const replaced = this.#newName(kind, name);
    this.#names.set(key, replaced);
    this.#given.add(`${kind} ${replaced}`);
    return replaced;
  }

  #newName(kind: NameKind, name: string): string {
    const is = kind === 'chain' ? knownChain(name) : kind === 'set' ? knownSet(name) : knownOther(kind, name);
    if (is === 'kept') return name;
    const taken = this.#inventory.names.get(kind);
    for (let tried = 0; is !== undefined && tried < MOST_HASHES; tried++) {
      const hash = this.#hash(`${kind} ${name} ${tried}`, is.alphabet, name.length - is.head.length);
      if (!taken?.has(is.head + hash) && !this.#given.has(`${kind} ${is.head}${hash}`)) return is.head + hash;
    }
    let number = this.#counts.get(kind) ?? 0;
    do number++;
    while (taken?.has(WRITTEN[kind](number)));
    this.#counts.set(kind, number);
    return WRITTEN[kind](number);
  }

  #hash(text: string, alphabet: string, length: number): string {
    const bytes = this.#secret.bytes(text, length);
    return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('');
  }

  prefix(text: string): string {
    return this.named('prefix', this.#inventory.wholePrefix(text));
  }

  pattern({ bytes }: Pattern): Uint8Array {
    return this.#bytes.bytes(bytes);
  }

  begin(bytes: Uint8Array, at: number, end: number): void {
    this.#filler.begin(bytes, at, end);
  }

  payload(bytes: Uint8Array, packet: number, range: readonly [number, number], place: PayloadPlace): void {
    this.#filler.fill(bytes, packet, range, place);
  }

  fragment(): void {}

  fragmentEnds(id: number): readonly number[] | undefined {
    return this.#inventory.fragmentEnds(id);
  }

  time(seconds: number): number {
    return seconds + this.#shiftSeconds;
  }

  /** Long before the packets is as early as possible. */
  moment(seconds: number): number {
    return Math.max(0, this.time(seconds));
  }

  keeps(what: string): void {
    this.kept.add(what);
  }

  /** What was replaced by what, as text, for comparing the two cases. */
  addressText(text: string): string {
    const address = parseAddress(text);
    return address === undefined ? text : String(this.one(address));
  }
}

/** Short hashes may all be taken. */
const MOST_HASHES = 100;
const VARIANTS = 16;
const MOST_COMPARED = 256;

/** The replacements of IPv4 addresses of which the fewest are again addresses of the original. */
function bestMap(secret: Secret, { addresses, needs }: Inventory): AddressMap {
  const compared = [...addresses].filter((address) => !isFixed(address)).slice(0, MOST_COMPARED);
  let best: { readonly map: AddressMap; readonly again: number } | undefined;
  for (let variant = 0; variant < VARIANTS && best?.again !== 0; variant++) {
    const map = new AddressMap(secret, 'ipv4', variant, needs);
    const again = compared.filter((address) => addresses.has(map.number(address))).length;
    if (best === undefined || again < best.again) best = { map, again };
  }
  return best!.map;
}

const WRITTEN: Readonly<Record<NameKind, (number: number) => string>> = {
  chain: (number) => `chain-${number}`,
  set: (number) => `set-${number}`,
  comment: (number) => `comment ${number}`,
  prefix: (number) => `prefix ${number}: `,
  list: (number) => `list-${number}`,
  user: (number) => `user${number}`,
  group: (number) => `group${number}`,
  realm: (number) => `realm${number}`,
  'device group': (number) => `devices${number}`,
  table: (number) => `table${number}`,
  path: (number) => `part${number}`,
  name: (number) => `name-${number}`,
  claim: (number) => `claim ${number}`,
  file: (number) => `file-${number}`,
};

const KEPT_NAMES: Readonly<Partial<Record<NameKind, RegExp>>> = {
  list: /^(?:\d+|DEFAULT)$/,
  user: /^(?:\d+(?:-\d+)?|root)$/,
  group: /^(?:\d+(?:-\d+)?|root)$/,
  realm: /^(?:0x[\da-f]+|\d+|cosmos)(?:\/(?:0x[\da-f]+|\d+))?$/i,
  'device group': /^(?:0x[\da-f]+|\d+|default|all)(?:\/(?:0x[\da-f]+|\d+))?$/i,
  table: /^(?:\d+|main|local|default|all|unspec)$/,
  path: /^(?:system\.slice|user\.slice|machine\.slice|docker|kubepods(?:\.slice)?|init\.scope)$/,
  name: /^(?:localhost|host|client|server|bridge|none|ingress|docker_gwbridge)$/,
};

function knownOther(kind: NameKind, name: string): KnownName {
  return KEPT_NAMES[kind]?.test(name) ? 'kept' : undefined;
}

/** hot: sets of the types hash:… (ip_set_hash_*.c), all from their descriptions. */

import { type Address, addressFromWords, prefixMask } from '../../codecs/address.js';
import { toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import type { Packet } from '../packet.js';
import { AddressFilter } from './address-filter.js';
import type { SetChanges } from './changes.js';
import type { CreateOptions } from './create-options.js';
import { Element, NONE } from './element.js';
import { type KeyRules, walkElement } from './element-walk.js';
import { Extensions, type SetClock } from './extensions.js';
import { HashTable } from './hash-table.js';
import type { IfaceNames } from './iface-names.js';
import { type IpSet, matchFlags, PLAIN_LOOKUP, type SetLookup, type SkbInfo } from './ip-set.js';
import { type Bits, KeyLayout } from './key-layout.js';
import { hasMac, macHigh, macLow } from './packet-mac.js';
import { NO_PORT, portOf } from './packet-port.js';
import { Prefixes } from './prefixes.js';
import { SetFault } from './set-fault.js';
import type { SetType } from './set-type.js';
import { AddResult, NOMATCH, WILDCARD } from './table-parameters.js';

/** What a host's sets share. */
export interface SetWorld {
  readonly clock: SetClock;
  readonly names: IfaceNames;
  readonly found: SkbInfo;
  readonly changes: SetChanges;
  randomWord(): number;
}

const SMALLEST = 64;
/** The kernel allows more, but no host has as many buckets. */
const LARGEST_BITS = 24;
const LARGEST_BUCKET = 12;
/** What a packet is looked up for. */
const Purpose = { TEST: 0, CHANGE: 1 } as const;
type Purpose = (typeof Purpose)[keyof typeof Purpose];

export class HashSet implements IpSet {
  name: string;
  readonly type: SetType;
  readonly options: CreateOptions;
  readonly layout: KeyLayout;
  readonly #world: SetWorld;
  readonly #extensions: Extensions;
  readonly #table: HashTable;
  readonly #key: Int32Array;
  readonly #sought: Int32Array;
  readonly #rules: KeyRules;
  /** Of the first network of an element, and the second; undefined: it has none. */
  readonly #nets: Prefixes | undefined;
  readonly #nets2: Prefixes | undefined;
  /** Where elements have their first address, of IPv4. */
  readonly #near: AddressFilter | undefined;

  constructor(name: string, type: SetType, options: CreateOptions, world: SetWorld) {
    this.name = name;
    this.type = type;
    this.#world = world;
    const isIpv6 = options.family === 'ipv6' && type.families.includes('ipv6');
    if (options.bitmask?.isUnspecified) throw new SetFault('invalid-netmask');
    this.layout = new KeyLayout(type, isIpv6);
    this.#rules = {
      type,
      layout: this.layout,
      isIpv6,
      hostBits: isIpv6 ? 128 : 32,
      mask: Int32Array.from(maskOf(options).words, toLoaded),
      markMask: options.markmask ?? -1,
      netmask: options.netmask ?? (isIpv6 ? 128 : 32),
      names: world.names,
    };
    this.#key = new Int32Array(this.layout.words);
    this.#sought = new Int32Array(this.layout.words);
    this.#nets = this.layout.cidr && new Prefixes();
    this.#nets2 = this.layout.cidr2 && new Prefixes();
    this.#near = isIpv6 || this.layout.ip < 0 ? undefined : new AddressFilter();
    this.#extensions = new Extensions(options, world.clock, world.found);
    const seed = options.initval ?? world.randomWord();
    const bits = Math.max(32 - Math.clz32(Math.max(options.hashsize, SMALLEST) - 1), 0);
    if (bits > LARGEST_BITS) throw new SetFault('no-memory');
    this.options = { ...options, initval: seed };
    this.#table = new HashTable({
      layout: this.layout,
      bits,
      bucketSize: bucketSizeOf(options.bucketsize),
      maxElements: options.maxelem,
      seed,
      isForced: options.forceadd,
      extensions: this.#extensions,
      coversIface: (number, isWildcard, sought) => world.names.covers(number, isWildcard, sought),
      removed: (words, at) => {
        this.#nets?.remove(this.layout.cidr?.get(words, at) ?? 0);
        this.#nets2?.remove(this.layout.cidr2?.get(words, at) ?? 0);
      },
    });
  }

  get hashsize(): number {
    return this.#table.hashsize;
  }

  get bucketSize(): number {
    return this.#table.bucketSize;
  }

  get size(): number {
    let count = 0;
    this.#table.forEach(() => {
      count++;
    });
    return count;
  }

  testPacket(packet: Packet, lookup: SetLookup): boolean {
    return this.testMember(packet, lookup, matchFlags(lookup));
  }

  testMember(packet: Packet, lookup: SetLookup, flags: number): boolean {
    this.#table.collectDue();
    if (!this.#readKey(packet, lookup, Purpose.TEST)) return false;
    const slot = this.#lookUp(packet, lookup, flags);
    const { questions } = this.#world.changes;
    if (questions !== undefined) {
      const until = slot === 0 ? Number.POSITIVE_INFINITY : this.#extensions.validUntilMs(slot);
      questions.asked(this, this.#key, until);
    }
    const wantsNomatch = lookup.returnsNomatch && this.type.hasNomatch;
    return slot !== 0 && this.#table.hasFlag(slot, NOMATCH) === wantsNomatch;
  }

  addPacket(packet: Packet, lookup: SetLookup): boolean {
    const table = this.#table;
    table.collectDue();
    if (!this.#readKey(packet, lookup, Purpose.CHANGE)) return false;
    if (table.add(this.#key, lookup.renews, 0) !== AddResult.ADDED) return false;
    this.#added();
    const untilMs = this.#extensions.validUntilMs(table.slot);
    this.#extensions.setFromPacket(table.slot, packet, lookup);
    this.#tell(untilMs);
    return true;
  }

  delPacket(packet: Packet, lookup: SetLookup): boolean {
    this.#table.collectDue();
    return this.#readKey(packet, lookup, Purpose.CHANGE) && this.#del();
  }

  #del(): boolean {
    if (!this.#table.del(this.#key)) return false;
    this.#world.changes.listener?.changed(this, this.#key);
    return true;
  }

  /** A new element counts for the lengths of prefixes. */
  #added(): void {
    if (!this.#table.isNew) return;
    this.#near?.add(this.#key[this.layout.ip], this.layout.cidr?.get(this.#key, 0) ?? 32);
    this.#nets?.add(this.layout.cidr?.get(this.#key, 0) ?? 0);
    this.#nets2?.add(this.layout.cidr2?.get(this.#key, 0) ?? 0);
  }

  /** What of PACKET is looked up (the kadt functions). Returns false if such a packet is in no set of the type. */
  #readKey(packet: Packet, { dimensions, sources }: SetLookup, purpose: Purpose): boolean {
    const { type, layout } = this;
    if (dimensions < type.dimensions.length || this.#rules.isIpv6) return false;
    const key = this.#key;
    layout.reset(key);
    let isSecond = false;
    for (let i = 0; i < type.dimensions.length; i++) {
      const isSource = ((sources >> i) & 1) !== 0;
      switch (type.dimensions[i]) {
        case 'ip':
          key[isSecond ? layout.ip2 : layout.ip] =
            (isSource ? packet.source : packet.destination) & this.#rules.mask[0];
          isSecond = true;
          break;
        case 'net':
          this.#readNet(isSource ? packet.source : packet.destination, isSecond, purpose);
          isSecond = true;
          break;
        case 'port': {
          const port = portOf(packet, isSource);
          if (port === NO_PORT) return false;
          layout.setPort(key, port, packet.protocol);
          break;
        }
        case 'mac':
          if (!this.#readMac(packet, isSource)) return false;
          break;
        case 'mark':
          key[layout.mark] = packet.mark & this.#rules.markMask;
          break;
        case 'iface':
          key[layout.iface] = this.#world.names.ofDevice(isSource ? packet.inDev : packet.outDev);
          if (key[layout.iface] === 0) return false;
          break;
        default:
          return false;
      }
    }
    return layout.words > 1 || layout.ip < 0 || key[0] !== 0;
  }

  #readNet(address: number, isSecond: boolean, purpose: Purpose): void {
    const { layout } = this;
    const nets = isSecond ? this.#nets2 : this.#nets;
    const length = purpose === Purpose.TEST ? this.#rules.hostBits : (nets?.longest(this.#rules.hostBits) ?? 0);
    const mask = this.type.options.includes('bitmask') ? this.#rules.mask[0] : -1;
    this.#key[isSecond ? layout.ip2 : layout.ip] = address & mask & LOADED_MASKS[length];
    (isSecond ? layout.cidr2 : layout.cidr)?.set(this.#key, length);
  }

  #readMac(packet: Packet, isSource: boolean): boolean {
    if (!hasMac(packet, isSource)) return false;
    this.layout.setMac(this.#key, macHigh(packet, isSource), macLow(packet, isSource));
    return true;
  }

  /** The element for `#key`, of which PACKET meets the rest; 0: none (mtype_test). */
  #lookUp(packet: Packet | null, lookup: SetLookup, flags: number): number {
    if (this.#near !== undefined && !this.#near.mayHave(this.#key[this.layout.ip])) return 0;
    if (this.#nets === undefined && this.#nets2 === undefined) return this.#match(this.#key, packet, lookup, flags);
    const { layout } = this;
    const outer = this.#nets ?? this.#nets2;
    const inner = this.#nets === undefined ? undefined : this.#nets2;
    const sought = this.#sought;
    for (let i = 0; i < (outer?.count ?? 0); i++) {
      for (let word = 0; word < sought.length; word++) sought[word] = this.#key[word];
      this.#narrow(sought, this.#nets === undefined ? 1 : 0, outer?.at(i) ?? 0);
      if (inner === undefined) {
        const slot = this.#match(sought, packet, lookup, flags);
        if (slot !== 0) return slot;
        if (layout.iface >= 0 && this.#table.hasMetOthers) return 0;
        continue;
      }
      for (let j = 0; j < inner.count; j++) {
        for (let word = 0; word < layout.addressWords; word++) sought[layout.ip2 + word] = this.#key[layout.ip2 + word];
        this.#narrow(sought, 1, inner.at(j));
        const slot = this.#match(sought, packet, lookup, flags);
        if (slot !== 0) return slot;
      }
    }
    return 0;
  }

  /** Masks the address number SECOND (0 or 1) of SOUGHT to a prefix of LENGTH. */
  #narrow(sought: Int32Array, second: number, length: number): void {
    const { layout } = this;
    const at = second === 0 ? layout.ip : layout.ip2;
    if (layout.addressWords === 1) sought[at] &= LOADED_MASKS[length];
    else {
      for (let word = 0; word < layout.addressWords; word++) {
        sought[at + word] &= LOADED_MASKS[Math.min(Math.max(length - 32 * word, 0), 32)];
      }
    }
    (second === 0 ? layout.cidr : layout.cidr2)?.set(sought, length);
  }

  #match(key: Int32Array, packet: Packet | null, lookup: SetLookup, flags: number): number {
    let slot = this.#table.find(key);
    while (slot !== 0 && !this.#extensions.matchesPacket(slot, packet, lookup, flags)) {
      slot = this.#table.findAfter(key, slot);
    }
    return slot;
  }

  add(element: Element, isExist: boolean): void {
    this.#table.collectDue();
    this.#extensions.check(element);
    const flags = (element.isNomatch && this.type.hasNomatch ? NOMATCH : 0) | (element.isWildcard ? WILDCARD : 0);
    walkElement(this.#rules, element, this.#key, false, () => this.#addKey(element, isExist, flags));
  }

  #addKey(element: Element, isExist: boolean, flags: number): void {
    const table = this.#table;
    let result = table.add(this.#key, isExist, flags);
    while (result === AddResult.NEEDS_RESIZE) {
      result = table.resize() ? table.add(this.#key, isExist, flags) : AddResult.CANNOT_GROW;
    }
    if (result === AddResult.EXISTS) throw new SetFault('exists');
    if (result !== AddResult.ADDED) throw new SetFault('hash-full');
    this.#added();
    const untilMs = this.#extensions.validUntilMs(table.slot);
    this.#extensions.setFromElement(table.slot, element);
    this.#tell(untilMs);
  }

  /**
   * Says that the element that was added last is another one. An element that was there until UNTIL_MS and now stays
   * longer changes no answer; what remembers one asks again at that time.
   */
  #tell(untilMs: number): void {
    const { slot, isOther } = this.#table;
    if (isOther || this.#extensions.validUntilMs(slot) < untilMs)
      this.#world.changes.listener?.changed(this, this.#key);
  }

  del(element: Element, isExist: boolean): void {
    this.#table.collectDue();
    this.#extensions.check(element);
    walkElement(this.#rules, element, this.#key, false, () => {
      if (!this.#del() && !isExist) throw new SetFault('exists');
    });
  }

  test(element: Element): boolean {
    this.#extensions.check(element);
    let slot = 0;
    walkElement(this.#rules, element, this.#key, true, () => {
      slot = this.#isHost() ? this.#lookUp(null, PLAIN_LOOKUP, 0) : this.#match(this.#key, null, PLAIN_LOOKUP, 0);
    });
    return slot !== 0 && this.#table.hasFlag(slot, NOMATCH) === (element.isNomatch && this.type.hasNomatch);
  }

  /** Whether `#key` has no networks but single addresses, of which all networks are tried. */
  #isHost(): boolean {
    const { layout, hostBits } = this.#rules;
    const bits = (part: Bits | undefined): number => part?.get(this.#key, 0) ?? hostBits;
    return bits(layout.cidr) === hostBits && bits(layout.cidr2) === hostBits;
  }

  flush(): void {
    this.#table.clear();
    this.#nets?.clear();
    this.#nets2?.clear();
    this.#near?.clear();
    this.#world.changes.listener?.changed(this, null);
  }

  covers(key: Int32Array, asked: Int32Array): boolean {
    const { layout } = this;
    for (let i = 0; i < layout.hashed; i++) this.#sought[i] = asked[i];
    if (layout.cidr !== undefined) this.#narrow(this.#sought, 0, layout.cidr.get(key, 0));
    if (layout.cidr2 !== undefined) this.#narrow(this.#sought, 1, layout.cidr2.get(key, 0));
    // Interfaces do not matter: the search ends at the first network with any.
    for (let i = 0; i < layout.hashed; i++) if (this.#sought[i] !== key[i]) return false;
    return true;
  }

  forEach(each: (element: Element) => void): void {
    const element = new Element();
    this.#table.forEach((slot) => {
      element.clear();
      this.#fill(element, slot);
      each(element);
    });
  }

  #fill(element: Element, slot: number): void {
    const { layout } = this;
    const { words } = this.#table;
    const at = this.#table.keyAt(slot);
    if (layout.ip >= 0) this.#fillAddress(element, words, at);
    if (this.type.dimensions.includes('port')) {
      element.port = layout.port(words, at);
      element.proto = layout.proto(words, at);
    }
    element.cidr = layout.cidr?.get(words, at) ?? NONE;
    element.cidr2 = layout.cidr2?.get(words, at) ?? NONE;
    if (layout.mac >= 0) element.mac = layout.macOf(words, at);
    if (layout.mark >= 0) element.mark = words[at + layout.mark] >>> 0;
    if (layout.iface >= 0) {
      element.iface = this.#world.names.name(words[at + layout.iface]);
      element.isPhysdev = layout.isPhysdev(words, at);
      element.isWildcard = this.#table.hasFlag(slot, WILDCARD);
    }
    element.isNomatch = this.#table.hasFlag(slot, NOMATCH);
    this.#extensions.fill(element, slot);
  }

  #fillAddress(element: Element, words: Int32Array, at: number): void {
    const { ip, ip2 } = this.layout;
    if (!this.#rules.isIpv6) {
      element.ip = toHostOrder(words[at + ip]);
      if (ip2 >= 0) element.ip2 = toHostOrder(words[at + ip2]);
      return;
    }
    const addressAt = (word: number): Address =>
      addressFromWords(Array.from(words.subarray(at + word, at + word + 4), (one) => toHostOrder(one) | 0));
    element.ip6 = addressAt(ip);
    if (ip2 >= 0) element.ip6Second = addressAt(ip2);
  }
}

/** The masks of prefixes, as loaded, by their length. */
const LOADED_MASKS = Int32Array.from({ length: 33 }, (_, length) => prefixMask('ipv4', length).loaded);

export function maskOf({ family, netmask, bitmask }: CreateOptions): Address {
  return bitmask ?? prefixMask(family, netmask ?? (family === 'ipv6' ? 128 : 32));
}

/** The kernel takes even numbers from 2 to 12. */
function bucketSizeOf(wanted: number): number {
  const size = Math.min(Math.max(wanted, 2), LARGEST_BUCKET);
  return size + (size % 2);
}

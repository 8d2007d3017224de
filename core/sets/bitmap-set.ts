/** hot: sets of the types bitmap:… (ip_set_bitmap_*.c): a place for each address or port of a range. */
import { prefixMask } from '../../codecs/address.js';
import { toHostOrder } from '../../codecs/byte-order.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { type BitmapRange, bitmapRange } from './bitmap-range.js';
import type { CreateOptions } from './create-options.js';
import { Element, NONE } from './element.js';
import { Extensions } from './extensions.js';
import type { SetWorld } from './hash-set.js';
import { type IpSet, matchFlags, PLAIN_LOOKUP, type SetLookup } from './ip-set.js';
import { hasMac, macHigh, macLow } from './packet-mac.js';
import { NO_PORT, portOf } from './packet-port.js';
import { SetFault } from './set-fault.js';
import type { SetType } from './set-type.js';

/** A place is empty, or has an element; in sets with MAC addresses, one whose address is not known yet. */
const Place = { EMPTY: 0, SET: 1, WITHOUT_MAC: 2 } as const;
const NOWHERE = -1;

export class BitmapSet implements IpSet {
  name: string;
  readonly type: SetType;
  readonly options: CreateOptions;
  readonly hashsize = 0;
  readonly bucketSize = 0;
  readonly #world: SetWorld;
  readonly #range: BitmapRange;
  readonly #extensions: Extensions;
  readonly #places: Uint8Array;
  /** By place, in sets with MAC addresses: the upper 16 bits, and the lower 32. */
  readonly #macHighs: Uint16Array;
  readonly #macLows: Int32Array;
  readonly #isOfPorts: boolean;
  readonly #hasMac: boolean;
  /** The MAC address that is looked up or added, if one is given. */
  #isMacGiven = false;
  #macHigh = 0;
  #macLow = 0;
  readonly #key = new Int32Array(1);

  constructor(name: string, type: SetType, options: CreateOptions, world: SetWorld) {
    this.name = name;
    this.type = type;
    this.#world = world;
    this.#isOfPorts = type.dimensions[0] === 'port';
    this.#hasMac = type.dimensions.includes('mac');
    this.#range = bitmapRange(options, this.#isOfPorts);
    const { first, last, places } = this.#range;
    this.options = { ...options, range: { first, last } };
    this.#extensions = new Extensions(options, world.clock, world.found);
    this.#extensions.grow(places);
    this.#places = new Uint8Array(places);
    this.#macHighs = new Uint16Array(this.#hasMac ? places : 0);
    this.#macLows = new Int32Array(this.#hasMac ? places : 0);
  }

  get size(): number {
    let count = 0;
    for (let place = 0; place < this.#places.length; place++) if (this.#isListed(place)) count++;
    return count;
  }

  testPacket(packet: Packet, lookup: SetLookup): boolean {
    return this.testMember(packet, lookup, matchFlags(lookup));
  }

  testMember(packet: Packet, lookup: SetLookup, flags: number): boolean {
    const place = this.#placeOf(packet, lookup);
    if (place === NOWHERE) return false;
    const isFound = this.#takeMac(packet, lookup) && this.#test(place, packet, lookup, flags);
    const { questions } = this.#world.changes;
    if (questions !== undefined) {
      this.#key[0] = place;
      questions.asked(this, this.#key, isFound ? this.#extensions.validUntilMs(place) : Number.POSITIVE_INFINITY);
    }
    return isFound;
  }

  #test(place: number, packet: Packet, lookup: SetLookup, flags: number): boolean {
    const state = this.#places[place];
    if (state === Place.EMPTY) return false;
    if (state === Place.WITHOUT_MAC) {
      // The kernel takes the address from the first packet.
      this.#addPacketAt(place, packet, lookup);
      return true;
    }
    if (this.#hasMac && !this.#isMacAt(place)) return false;
    return this.#extensions.matchesPacket(place, packet, lookup, flags);
  }

  addPacket(packet: Packet, lookup: SetLookup): boolean {
    const place = this.#placeOf(packet, lookup);
    if (place === NOWHERE) return false;
    return this.#takeMac(packet, lookup) && this.#addPacketAt(place, packet, lookup);
  }

  #addPacketAt(place: number, packet: Packet, lookup: SetLookup): boolean {
    const old = this.#places[place];
    const wasThere = old === Place.SET && !this.#extensions.isExpired(place);
    const untilMs = this.#extensions.validUntilMs(place);
    if (!this.#occupy(place, lookup.renews)) return false;
    const stored = this.#storedTimeout(place, old, lookup.timeout);
    this.#extensions.destroy(place);
    this.#extensions.setFromPacket(place, packet, lookup);
    if (stored !== NONE) this.#extensions.setTimeout(place, stored);
    const staysShorter = this.#extensions.validUntilMs(place) < untilMs;
    if (!wasThere || this.#hasMac || staysShorter) this.#changed(place);
    return true;
  }

  delPacket(packet: Packet, lookup: SetLookup): boolean {
    const place = this.#placeOf(packet, lookup);
    return place !== NOWHERE && this.#takeMac(packet, lookup) && this.#del(place);
  }

  /** Takes the MAC address of PACKET for what follows. Returns false if the set needs one and it has none. */
  #takeMac(packet: Packet, { sources }: SetLookup): boolean {
    if (!this.#hasMac) return true;
    const isSource = (sources & 2) !== 0;
    this.#isMacGiven = hasMac(packet, isSource);
    this.#macHigh = macHigh(packet, isSource);
    this.#macLow = macLow(packet, isSource);
    return this.#isMacGiven;
  }

  /** The same of ELEMENT, which may have none. */
  #takeElementMac({ mac }: Element): void {
    this.#isMacGiven = this.#hasMac && mac !== NONE;
    this.#macHigh = Math.floor(mac / 2 ** 32);
    this.#macLow = mac | 0;
  }

  #isMacAt(place: number): boolean {
    return this.#macHighs[place] === this.#macHigh && this.#macLows[place] === this.#macLow;
  }

  #putMac(place: number): void {
    this.#macHighs[place] = this.#macHigh;
    this.#macLows[place] = this.#macLow;
  }

  /** Where PACKET's element is, or NOWHERE. */
  #placeOf(packet: Packet, { dimensions, sources }: SetLookup): number {
    if (dimensions < this.type.dimensions.length) return NOWHERE;
    const isSource = (sources & 1) !== 0;
    if (!this.#isOfPorts) return this.#place(toHostOrder(isSource ? packet.source : packet.destination));
    if (packet.protocol !== IPPROTO_TCP && packet.protocol !== IPPROTO_UDP) return NOWHERE;
    const port = portOf(packet, isSource);
    return port === NO_PORT ? NOWHERE : this.#place(port);
  }

  #place(value: number): number {
    const { first, last, step } = this.#range;
    return value < first || value > last ? NOWHERE : Math.floor((value - first) / step);
  }

  add(element: Element, isExist: boolean): void {
    this.#takeElementMac(element);
    this.#walk(element, false, (place) => {
      const old = this.#places[place];
      if (!this.#occupy(place, isExist)) throw new SetFault('exists');
      const stored = this.#storedTimeout(place, old, element.timeout);
      this.#extensions.setFromElement(place, element);
      if (stored !== NONE) this.#extensions.setTimeout(place, stored);
      else if (this.#hasMac && !this.#isMacGiven) this.#extensions.storeTimeout(place, element.timeout);
      this.#changed(place);
    });
  }

  /** Puts an element into PLACE. Returns false if there is one already. */
  #occupy(place: number, renews: boolean): boolean {
    const old = this.#places[place];
    if (this.#isMacGiven && (old !== Place.SET || renews)) this.#putMac(place);
    if (old === Place.SET || (old === Place.WITHOUT_MAC && !this.#isMacGiven)) {
      return renews || this.#extensions.isExpired(place);
    }
    this.#places[place] = this.#hasMac && !this.#isMacGiven ? Place.WITHOUT_MAC : Place.SET;
    return true;
  }

  /**
   * The timer of an element without a MAC address starts when that is known, with the time-out that was given then,
   * unless another one is now. NONE: nothing of the kind.
   */
  #storedTimeout(place: number, old: number, timeout: number): number {
    if (old !== Place.WITHOUT_MAC || !this.#isMacGiven || !this.#extensions.hasTimeout) return NONE;
    const isGiven = timeout !== NONE && timeout !== this.options.timeout;
    return isGiven ? timeout : this.#extensions.storedTimeout(place);
  }

  del(element: Element, isExist: boolean): void {
    this.#walk(element, false, (place) => {
      if (!this.#del(place) && !isExist) throw new SetFault('exists');
    });
  }

  #del(place: number): boolean {
    if (this.#places[place] === Place.EMPTY) return false;
    this.#places[place] = Place.EMPTY;
    this.#extensions.destroy(place);
    this.#changed(place);
    return !this.#extensions.isExpired(place);
  }

  test(element: Element): boolean {
    this.#takeElementMac(element);
    let isFound = false;
    this.#walk(element, true, (place) => {
      const state = this.#places[place];
      if (state === Place.EMPTY) return;
      const isUnasked = this.#hasMac && (!this.#isMacGiven || state === Place.WITHOUT_MAC);
      if (isUnasked) isFound = true;
      else if (this.#hasMac && !this.#isMacAt(place)) isFound = false;
      else isFound = this.#extensions.matchesPacket(place, null, PLAIN_LOOKUP, 0);
    });
    return isFound;
  }

  /** Calls EACH with the places of ELEMENT; with IS_TEST, with the first only. Throws a SetFault if it is outside. */
  #walk(element: Element, isTest: boolean, each: (place: number) => void): void {
    const { first, last, step } = this.#range;
    let from = this.#isOfPorts ? element.port : element.ip;
    let to = this.#isOfPorts ? element.portTo : element.ipTo;
    if (!this.#isOfPorts) this.#extensions.check(element);
    if (from < first || from > last) throw new SetFault('bitmap-range');
    if (this.#isOfPorts) this.#extensions.check(element);
    if (isTest) {
      to = from;
    } else if (to !== NONE) {
      if (from > to) [from, to] = [to, from];
    } else if (!this.#isOfPorts && element.cidr !== NONE) {
      if (element.cidr === 0 || element.cidr > 32) throw new SetFault('invalid-cidr');
      const mask = prefixMask('ipv4', element.cidr).tail;
      to = (from | ~mask) >>> 0;
      from = (from & mask) >>> 0;
    } else to = from;
    if (from < first || to > last) throw new SetFault('bitmap-range');
    for (let value = from; value <= to; value += step) each(this.#place(value));
  }

  #changed(place: number): void {
    this.#key[0] = place;
    this.#world.changes.listener?.changed(this, this.#key);
  }

  flush(): void {
    this.#places.fill(Place.EMPTY);
    // The kernel leaves counters as they are, for the next element there.
    for (let place = 0; place < this.#places.length; place++) this.#extensions.destroy(place);
    this.#world.changes.listener?.changed(this, null);
  }

  covers(changed: Int32Array, asked: Int32Array): boolean {
    return changed[0] === asked[0];
  }

  /** Time does not run for an element whose MAC address is not known. */
  #isListed(place: number): boolean {
    const state = this.#places[place];
    if (state === Place.EMPTY) return false;
    return state === Place.WITHOUT_MAC || !this.#extensions.isExpired(place);
  }

  forEach(each: (element: Element) => void): void {
    const element = new Element();
    const { first, step } = this.#range;
    for (let place = 0; place < this.#places.length; place++) {
      if (!this.#isListed(place)) continue;
      element.clear();
      if (this.#isOfPorts) element.port = first + place;
      else element.ip = first + place * step;
      this.#extensions.fill(element, place);
      if (this.#hasMac && this.#places[place] === Place.SET)
        element.mac = this.#macHighs[place] * 2 ** 32 + (this.#macLows[place] >>> 0);
      if (this.#places[place] === Place.WITHOUT_MAC && this.#extensions.hasTimeout) {
        element.timeout = this.#extensions.storedTimeout(place);
      }
      each(element);
    }
  }
}

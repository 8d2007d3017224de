/** hot: sets of the type list:set (ip_set_list_set.c): names of other sets, which are asked one after the other. */
import type { Packet } from '../packet.js';
import type { CreateOptions } from './create-options.js';
import { Element } from './element.js';
import { Extensions } from './extensions.js';
import type { SetWorld } from './hash-set.js';
import { type IpSet, MatchFlag, matchFlags, type SetLookup } from './ip-set.js';
import { SetFault } from './set-fault.js';
import type { SetPlace } from './set-place.js';
import type { SetType } from './set-type.js';

const SMALLEST = 4;

/** Where members come from. */
export interface SetPlaces {
  take(name: string): SetPlace | undefined;
  release(place: SetPlace): void;
}

interface Member {
  readonly place: SetPlace;
  /** Of `Extensions`. */
  readonly slot: number;
}

export class ListSet implements IpSet {
  name: string;
  readonly type: SetType;
  readonly options: CreateOptions;
  readonly hashsize = 0;
  readonly bucketSize = 0;
  readonly #world: SetWorld;
  readonly #sets: SetPlaces;
  readonly #extensions: Extensions;
  readonly #members: Member[] = [];
  #slots = 0;
  #freeSlots: number[] = [];

  constructor(name: string, type: SetType, options: CreateOptions, world: SetWorld, sets: SetPlaces) {
    this.name = name;
    this.type = type;
    this.options = { ...options, size: Math.max(options.size, SMALLEST) };
    this.#world = world;
    this.#sets = sets;
    this.#extensions = new Extensions(options, world.clock, world.found);
  }

  get size(): number {
    let count = 0;
    for (const { slot } of this.#members) if (!this.#extensions.isExpired(slot)) count++;
    return count;
  }

  testPacket(packet: Packet, lookup: SetLookup): boolean {
    return this.testMember(packet, lookup, matchFlags(lookup));
  }

  testMember(packet: Packet, lookup: SetLookup, flags: number): boolean {
    if (lookup.dimensions < 1) return false;
    const keeps = (flags & MatchFlag.KEEPS_COUNTERS) !== 0 || lookup.keepsSubcounters;
    const memberFlags = keeps ? MatchFlag.KEEPS_COUNTERS : 0;
    let isFound = false;
    for (let i = 0; i < this.#members.length && !isFound; i++) {
      const { place, slot } = this.#members[i];
      // Also a member that has expired is asked, and counts.
      isFound =
        place.set.testMember(packet, lookup, memberFlags) &&
        this.#extensions.matchesPacket(slot, packet, lookup, flags);
    }
    this.#world.changes.questions?.asked(this, null, this.#untilMs());
    return isFound;
  }

  /** When the first of its members expires. */
  #untilMs(): number {
    let until = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#members.length; i++) {
      until = Math.min(until, this.#extensions.validUntilMs(this.#members[i].slot));
    }
    return until;
  }

  addPacket(packet: Packet, lookup: SetLookup): boolean {
    for (let i = 0; i < this.#members.length; i++) {
      const { place, slot } = this.#members[i];
      if (!this.#extensions.isExpired(slot) && place.set.addPacket(packet, lookup)) return true;
    }
    return false;
  }

  delPacket(packet: Packet, lookup: SetLookup): boolean {
    for (let i = 0; i < this.#members.length; i++) {
      const { place, slot } = this.#members[i];
      if (!this.#extensions.isExpired(slot) && place.set.delPacket(packet, lookup)) return true;
    }
    return false;
  }

  add(element: Element, isExist: boolean): void {
    this.#with(element, (place, neighbour) => {
      this.#expire();
      const at = this.#members.findIndex((member) => member.place === place);
      const isNeighbourThere = this.#members.some((member) => member.place === neighbour);
      if (neighbour !== undefined && (!isNeighbourThere || neighbour === place)) throw new SetFault('list-ref-exists');
      if (at >= 0) {
        if (!isExist) throw new SetFault('exists');
        this.#extensions.setFromElement(this.#members[at].slot, element);
        this.#changed();
        return false;
      }
      const slot = this.#takeSlot();
      this.#extensions.setFromElement(slot, element);
      this.#members.splice(this.#positionFor(neighbour, element.isBefore), 0, { place, slot });
      this.#changed();
      return true;
    });
  }

  #positionFor(neighbour: SetPlace | undefined, isBefore: boolean): number {
    if (neighbour === undefined) return this.#members.length;
    return this.#members.findIndex(({ place }) => place === neighbour) + (isBefore ? 0 : 1);
  }

  #takeSlot(): number {
    const slot = this.#freeSlots.pop() ?? this.#slots++;
    this.#extensions.grow(this.#slots);
    this.#extensions.clear(slot);
    return slot;
  }

  del(element: Element, isExist: boolean): void {
    this.#with(element, (place, neighbour) => {
      this.#expire();
      const at = this.#members.findIndex((member) => member.place === place);
      if (at < 0) {
        if (neighbour !== undefined) throw new SetFault('list-ref-exists');
        if (!isExist) throw new SetFault('exists');
        return false;
      }
      if (!this.#isBeside(at, neighbour, element.isBefore)) throw new SetFault('list-ref-exists');
      this.#remove(at);
      this.#changed();
      return false;
    });
  }

  test(element: Element): boolean {
    let isFound = false;
    this.#with(element, (place, neighbour) => {
      const at = this.#members.findIndex(
        (member) => member.place === place && !this.#extensions.isExpired(member.slot),
      );
      isFound = at >= 0 && this.#isBeside(at, neighbour, element.isBefore);
      return false;
    });
    return isFound;
  }

  #isBeside(at: number, neighbour: SetPlace | undefined, isBefore: boolean): boolean {
    return neighbour === undefined || this.#members[at + (isBefore ? 1 : -1)]?.place === neighbour;
  }

  /** Calls WORK with the sets that ELEMENT names. It returns whether the first has become a member. */
  #with(element: Element, work: (place: SetPlace, neighbour: SetPlace | undefined) => boolean): void {
    this.#extensions.check(element);
    const place = this.#sets.take(element.set);
    if (place === undefined) throw new SetFault('list-name');
    let neighbour: SetPlace | undefined;
    let isMember = false;
    try {
      if (place.set.type.method === 'list') throw new SetFault('list-loop');
      if (element.neighbour !== '') {
        neighbour = this.#sets.take(element.neighbour);
        if (neighbour === undefined) throw new SetFault('list-nameref');
      }
      isMember = work(place, neighbour);
    } finally {
      if (neighbour !== undefined) this.#sets.release(neighbour);
      if (!isMember) this.#sets.release(place);
    }
  }

  #remove(at: number): void {
    const [{ place, slot }] = this.#members.splice(at, 1);
    this.#extensions.clear(slot);
    this.#freeSlots.push(slot);
    this.#sets.release(place);
  }

  /** set_cleanup_entries. */
  #expire(): void {
    for (let at = this.#members.length - 1; at >= 0; at--) {
      if (this.#extensions.isExpired(this.#members[at].slot)) this.#remove(at);
    }
  }

  flush(): void {
    while (this.#members.length > 0) this.#remove(this.#members.length - 1);
    this.#changed();
  }

  #changed(): void {
    this.#world.changes.listener?.changed(this, null);
  }

  covers(): boolean {
    return true;
  }

  forEach(each: (element: Element) => void): void {
    const element = new Element();
    for (const { place, slot } of this.#members) {
      if (this.#extensions.isExpired(slot)) continue;
      element.clear();
      element.set = place.set.name;
      this.#extensions.fill(element, slot);
      each(element);
    }
  }
}

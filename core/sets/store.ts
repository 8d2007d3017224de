/** The sets of a host, by name and in the order of their creation (ip_set_core.c). */
import { BitmapSet } from './bitmap-set.js';
import { SetChanges } from './changes.js';
import type { CreateOptions } from './create-options.js';
import type { SetEnvironment } from './environment.js';
import { HashSet, maskOf, type SetWorld } from './hash-set.js';
import { IfaceNames } from './iface-names.js';
import { type IpSet, SkbInfo } from './ip-set.js';
import { ListSet } from './list-set.js';
import { SetFault } from './set-fault.js';
import { SetPlace } from './set-place.js';
import type { SetType } from './set-type.js';

const MAX_SETS = 65_534;

export class SetStore {
  /** By the kernel's index: a new set gets the lowest that is free. */
  readonly #places: (SetPlace | undefined)[] = [];
  readonly #byName = new Map<string, SetPlace>();
  readonly #world: SetWorld;
  /** Who is told what changes, and what is asked. */
  readonly changes = new SetChanges();
  /** What the element found last says for `--map-set`. */
  readonly found = new SkbInfo();

  constructor({ clock, interfaceNames, randomWord }: SetEnvironment) {
    const names = new IfaceNames(interfaceNames);
    this.#world = { clock, names, found: this.found, changes: this.changes, randomWord };
  }

  /** From now on, the host has the interfaces NAMES, by their indexes. */
  useInterfaces(names: readonly string[]): void {
    this.#world.names.useInterfaces(names);
  }

  /** The set NAME; undefined: there is none. */
  get(name: string): IpSet | undefined {
    return this.#byName.get(name)?.set;
  }

  /** How many rules and lists refer to NAME. */
  references(name: string): number {
    return this.#byName.get(name)?.references ?? 0;
  }

  /** A reference to the set NAME, for a rule or list that exists from now on; undefined: there is none. */
  take(name: string): SetPlace | undefined {
    const place = this.#byName.get(name);
    if (place !== undefined) place.references++;
    return place;
  }

  /** A rule or list that had taken PLACE is gone. */
  release(place: SetPlace): void {
    place.references--;
  }

  /** All sets, in the order of `ipset save`: lists last, so that their members are there when it is restored. */
  *[Symbol.iterator](): IterableIterator<IpSet> {
    for (const place of this.#places) if (place !== undefined && place.set.type.method !== 'list') yield place.set;
    for (const place of this.#places) if (place !== undefined && place.set.type.method === 'list') yield place.set;
  }

  /** `ipset create`. IS_EXIST: a set of the same name, type and options is no fault. Throws a SetFault. */
  create(name: string, type: SetType, options: CreateOptions, isExist: boolean): IpSet {
    // What is wrong with the options comes before a name that is taken.
    const place = new SetPlace(this.#make(name, type, options));
    const old = this.get(name);
    if (old !== undefined) {
      if (isExist && old.type === type && isSameSet(old.options, place.set.options)) return old;
      throw new SetFault('set-exists');
    }
    let index = this.#places.indexOf(undefined);
    if (index < 0) index = this.#places.length;
    if (index >= MAX_SETS) throw new SetFault('too-many-sets');
    this.#places[index] = place;
    this.#byName.set(name, place);
    return place.set;
  }

  #make(name: string, type: SetType, options: CreateOptions): IpSet {
    switch (type.method) {
      case 'hash':
        return new HashSet(name, type, options, this.#world);
      case 'bitmap':
        return new BitmapSet(name, type, options, this.#world);
      case 'list':
        return new ListSet(name, type, options, this.#world, this);
    }
  }

  /** `ipset destroy NAME`. Throws a SetFault if something refers to it. */
  destroy(name: string): void {
    const place = this.#wanted(name);
    if (place.references > 0) throw new SetFault('referenced');
    this.#places[this.#places.indexOf(place)] = undefined;
    this.#byName.delete(name);
    place.set.flush();
  }

  /** `ipset destroy`: all of them, or none if something refers to one, even a list. */
  destroyAll(): void {
    for (const { references } of this.#byName.values()) if (references > 0) throw new SetFault('referenced');
    for (const name of [...this.#byName.keys()]) this.destroy(name);
  }

  /** `ipset flush NAME`. */
  flush(name: string): void {
    this.#wanted(name).set.flush();
  }

  /** `ipset flush`. */
  flushAll(): void {
    for (const set of this) set.flush();
  }

  /** `ipset rename FROM TO`. Throws a SetFault if something refers to it. */
  rename(from: string, to: string): void {
    const place = this.#wanted(from);
    if (place.references > 0) throw new SetFault('referenced');
    if (this.#byName.has(to)) throw new SetFault('new-name-exists');
    this.#byName.delete(from);
    place.set.name = to;
    this.#byName.set(to, place);
  }

  /** `ipset swap FROM TO`. Rules go on asking the set of the same name. */
  swap(from: string, to: string): void {
    const a = this.#wanted(from);
    const b = this.#wanted(to);
    if (featuresOf(a.set) !== featuresOf(b.set)) throw new SetFault('type-mismatch');
    [a.set, b.set] = [b.set, a.set];
    [a.set.name, b.set.name] = [from, to];
    this.changes.listener?.changed(a.set, null);
    this.changes.listener?.changed(b.set, null);
  }

  #wanted(name: string): SetPlace {
    const place = this.#byName.get(name);
    if (place === undefined) throw new SetFault('no-such-set');
    return place;
  }
}

/** What two sets have to have in common to be swapped (ip_set_type's features): not the type, but what is in them. */
function featuresOf({ type, options }: IpSet): string {
  const parts = type.dimensions.map((dimension) => (dimension === 'net' ? 'ip' : dimension));
  return [...parts, type.hasNomatch, options.family].join();
}

/** Whether `create -exist` takes B for the same as A (mtype_same_set). */
function isSameSet(a: CreateOptions, b: CreateOptions): boolean {
  return (
    a.family === b.family &&
    a.maxelem === b.maxelem &&
    a.timeout === b.timeout &&
    maskOf(a).equals(maskOf(b)) &&
    a.markmask === b.markmask &&
    a.range?.first === b.range?.first &&
    a.range?.last === b.range?.last &&
    a.size === b.size &&
    a.counters === b.counters &&
    a.comment === b.comment &&
    a.skbinfo === b.skbinfo
  );
}

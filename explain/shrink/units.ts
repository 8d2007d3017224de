/** What a case consists of that can be left out: packets, rules, interfaces and the like, and what needs what. */

/** What a unit is, in the words of the report, in its order. */
export const UNIT_KINDS = [
  'packet',
  'input',
  'rule',
  'chain',
  'table',
  'set',
  'set entry',
  'command',
  'interface',
  'address',
  'route',
  'routing rule',
  'neighbour',
  'sysctl',
  'container',
  'connection',
  'other fact',
  'option',
  'claim',
  'name',
  'comment',
] as const;
export type UnitKind = (typeof UNIT_KINDS)[number];

/** The units of a case, numbered from 0 in the order in which they were added. */
export class Units {
  readonly #kinds: UnitKind[] = [];
  /** For each unit, those that need it. */
  readonly #dependents: number[][] = [];

  get count(): number {
    return this.#kinds.length;
  }

  /** Adds a unit that goes when one of NEEDS goes; returns its number. */
  add(kind: UnitKind, needs: readonly number[] = []): number {
    const unit = this.#kinds.push(kind) - 1;
    this.#dependents.push([]);
    for (const need of needs) this.need(unit, need);
    return unit;
  }

  /** UNIT goes when OTHER goes. */
  need(unit: number, other: number): void {
    this.#dependents[other].push(unit);
  }

  kindOf(unit: number): UnitKind {
    return this.#kinds[unit];
  }

  /** All units of KIND. */
  ofKind(kind: UnitKind): number[] {
    return this.#kinds.flatMap((one, unit) => (one === kind ? [unit] : []));
  }

  dependentsOf(unit: number): readonly number[] {
    return this.#dependents[unit];
  }
}

/** Some of the units of a case: those that are kept. Not changed once it is made. */
export class Selection {
  readonly units: Units;
  /** 1 at the number of each unit that is kept. */
  readonly flags: Uint8Array;

  private constructor(units: Units, flags: Uint8Array) {
    this.units = units;
    this.flags = flags;
  }

  static all(units: Units): Selection {
    return new Selection(units, new Uint8Array(units.count).fill(1));
  }

  has(unit: number): boolean {
    return this.flags[unit] === 1;
  }

  /** The selection without LEFT_OUT and all that needs one of them. */
  without(leftOut: Iterable<number>): Selection {
    const flags = this.flags.slice();
    const going = [...leftOut];
    for (let unit = going.pop(); unit !== undefined; unit = going.pop()) {
      if (flags[unit] === 0) continue;
      flags[unit] = 0;
      for (const dependent of this.units.dependentsOf(unit)) going.push(dependent);
    }
    return new Selection(this.units, flags);
  }

  /** How many of LIST are kept. */
  countOf(list: readonly number[]): number {
    let count = 0;
    for (const unit of list) count += this.flags[unit];
    return count;
  }

  /** Equal for selections that are the same: a bit for each unit. */
  get key(): string {
    const { flags } = this;
    let key = '';
    for (let at = 0; at < flags.length; at += KEY_BITS) {
      let bits = 0;
      for (let i = at; i < Math.min(at + KEY_BITS, flags.length); i++) bits = (bits << 1) | flags[i];
      key += String.fromCharCode(bits);
    }
    return key;
  }
}

/** As many as a character of a string has. */
const KEY_BITS = 16;

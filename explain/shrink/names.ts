/** Which unit makes what others refer to by name: chains, sets and interfaces. */
import type { Units } from './units.js';

export class NameUnits {
  readonly units: Units;
  readonly #makers = new Map<string, number[]>();

  constructor(units: Units) {
    this.units = units;
  }

  /** UNIT makes what is called NAME in SPACE, such as the chains of a table of a file. */
  made(space: string, name: string, unit: number): void {
    const key = `${space} ${name}`;
    this.#makers.set(key, [...(this.#makers.get(key) ?? []), unit]);
  }

  /** UNIT refers to it. What several units make does not go with one of them. */
  refersTo(space: string, name: string, unit: number): void {
    const makers = this.#makers.get(`${space} ${name}`) ?? [];
    if (makers.length === 1 && makers[0] !== unit) this.units.need(unit, makers[0]);
  }
}

/** The spaces of names. */
export const SETS = 'set';
export const INTERFACES = 'interface';

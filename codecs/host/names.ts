/** The member `names` of a host: numbers that have names there, in files that rules and ip(8) refer to. */
import { integerAt, objectAt, objectOf } from './json-values.js';

type Numbers = ReadonlyMap<string, number>;

export interface NamesDescription {
  /** /etc/passwd and /etc/group. */
  readonly users: Numbers;
  readonly groups: Numbers;
  /** /etc/iproute2/rt_realms. */
  readonly realms: Numbers;
  /** /etc/iproute2/group: groups of interfaces. */
  readonly deviceGroups: Numbers;
}

/** What every host has. */
const EVERYWHERE: Readonly<Record<keyof NamesDescription, readonly [name: string, number: number]>> = {
  users: ['root', 0],
  groups: ['root', 0],
  realms: ['cosmos', 0],
  deviceGroups: ['default', 0],
};

export const DEFAULT_NAMES: NamesDescription = namesOf(undefined);

/** Throws a HostError. */
export function namesOf(value: unknown): NamesDescription {
  const names = value === undefined ? {} : objectOf(value, 'names', Object.keys(EVERYWHERE));
  const numbersOf = (kind: keyof NamesDescription): Numbers => {
    const path = `names.${kind}`;
    const given = names[kind] === undefined ? {} : objectAt(names[kind], path);
    const numbers = Object.entries(given).map(([name, number]): [string, number] => [
      name,
      integerAt(number, `${path}[${JSON.stringify(name)}]`, 0, 0xffffffff),
    ]);
    return new Map([...numbers, ...(numbers.length > 0 ? [] : [EVERYWHERE[kind]])]);
  };
  return {
    users: numbersOf('users'),
    groups: numbersOf('groups'),
    realms: numbersOf('realms'),
    deviceGroups: numbersOf('deviceGroups'),
  };
}

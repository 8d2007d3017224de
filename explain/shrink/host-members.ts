/** The host of a case as host.json, of which interfaces, routes, sysctls and the like can be left out. */
import type { JsonObject } from '../../codecs/host/json-values.js';
import { INTERFACES, type NameUnits } from './names.js';
import { plainLines, ruleLines, setLines, type TextLines } from './text-lines.js';
import type { Selection, UnitKind } from './units.js';

/** What is left of a value; undefined: nothing. */
type Writer = (selection: Selection) => unknown;

export class HostMembers {
  readonly units: readonly number[];
  readonly #members: readonly (readonly [name: string, write: Writer])[];

  /** HOST: with the members of a host.json. FILE: what tells its chains from those of other files. */
  constructor(host: JsonObject, file: string, names: NameUnits, belongs: readonly number[] = []) {
    const before = names.units.count;
    const reader = new MemberReader(file, names, belongs);
    // Sets are made before rules refer to them, interfaces before routes do.
    const rank = (name: string): number => (name === 'addr' || name === 'ipset' ? 0 : 1);
    const read = new Map(
      Object.keys(host)
        .sort((a, b) => rank(a) - rank(b))
        .map((name) => [name, reader.read(name, host[name])]),
    );
    this.#members = Object.keys(host).map((name) => [name, read.get(name)!]);
    this.units = Array.from({ length: names.units.count - before }, (_, i) => before + i);
  }

  /** The host.json with what SELECTION keeps. */
  textOf(selection: Selection): string {
    const members = this.#members.flatMap(([name, write]): [string, unknown][] => {
      const value = write(selection);
      return value === undefined ? [] : [[name, value]];
    });
    return `${JSON.stringify(Object.fromEntries(members), null, 2)}\n`;
  }
}

/** What the elements of the members are whose elements can be left out. */
const ELEMENTS: Readonly<Record<string, UnitKind>> = {
  addr: 'interface',
  route: 'route',
  rule: 'routing rule',
  neigh: 'neighbour',
  sysctl: 'sysctl',
  containers: 'container',
  networks: 'other fact',
  sockets: 'other fact',
  nexthop: 'other fact',
  fdb: 'other fact',
  ipsec: 'other fact',
  nfacct: 'other fact',
};

class MemberReader {
  readonly #file: string;
  readonly #names: NameUnits;
  readonly #belongs: readonly number[];

  constructor(file: string, names: NameUnits, belongs: readonly number[]) {
    this.#file = file;
    this.#names = names;
    this.#belongs = belongs;
  }

  read(name: string, value: unknown): Writer {
    if (typeof value === 'string') return this.#readText(name, value);
    if (name === 'link' && Array.isArray(value)) return this.#readLinks(value);
    const kind = ELEMENTS[name];
    if (kind !== undefined && Array.isArray(value)) return this.#readList(name, kind, value);
    if (kind !== undefined && isObject(value)) return this.#readObject(kind, value);
    const unit = this.#add('other fact');
    return (selection) => (selection.has(unit) ? value : undefined);
  }

  #add(kind: UnitKind): number {
    return this.#names.units.add(kind, this.#belongs);
  }

  #readText(name: string, value: string): Writer {
    const lines = this.#linesOf(name, value);
    if (lines === undefined) {
      const unit = this.#add('other fact');
      return (selection) => (selection.has(unit) ? value : undefined);
    }
    return (selection) => {
      const text = lines.textOf(selection);
      return text.trim() === '' && value.trim() !== '' ? undefined : text;
    };
  }

  #linesOf(name: string, value: string): TextLines | undefined {
    if (/^iptables/.test(name)) return ruleLines(value, `${this.#file} ${name}`, this.#names, this.#belongs);
    if (name === 'ipset') return setLines(value, this.#names, this.#belongs);
    return name === 'conntrack' ? plainLines(value, 'connection', this.#names, this.#belongs) : undefined;
  }

  #readList(name: string, kind: UnitKind, list: readonly unknown[]): Writer {
    const elements = list.map((value) => {
      const unit = this.#add(kind);
      const fields = isObject(value) ? value : {};
      if (name === 'addr') return { unit, write: this.#readInterface(fields, unit) };
      if (typeof fields.dev === 'string') this.#names.refersTo(this.#interfaces, fields.dev, unit);
      return { unit, write: () => value };
    });
    const write = (selection: Selection): unknown[] =>
      elements.filter(({ unit }) => selection.has(unit)).map((element) => element.write(selection));
    return (selection) => withoutEmpty(name, write(selection), list.length);
  }

  /** An entry of `ip -j addr`: its addresses can be left out. */
  #readInterface(entry: JsonObject, unit: number): Writer {
    if (typeof entry.ifname === 'string') this.#names.made(this.#interfaces, entry.ifname, unit);
    const { addr_info: addresses } = entry;
    if (!Array.isArray(addresses)) return () => entry;
    const units = addresses.map(() => this.#names.units.add('address', [unit]));
    return (selection) => ({ ...entry, addr_info: addresses.filter((_, i) => selection.has(units[i])) });
  }

  /** An entry of `ip -j -d link` goes with its interface, or alone. */
  #readLinks(links: readonly unknown[]): Writer {
    const units = links.map((link) => {
      const unit = this.#add('other fact');
      const name = isObject(link) ? link.ifname : undefined;
      if (typeof name === 'string') this.#names.refersTo(this.#interfaces, name, unit);
      return unit;
    });
    return (selection) =>
      withoutEmpty(
        'link',
        links.filter((_, i) => selection.has(units[i])),
        links.length,
      );
  }

  #readObject(kind: UnitKind, value: JsonObject): Writer {
    const units = new Map(Object.keys(value).map((key) => [key, this.#add(kind)]));
    return (selection) => {
      const kept = Object.entries(value).filter(([key]) => selection.has(units.get(key)!));
      return kept.length === 0 && units.size > 0 ? undefined : Object.fromEntries(kept);
    };
  }

  get #interfaces(): string {
    return `${this.#file} ${INTERFACES}`;
  }
}

/** A list of which nothing is left goes, but for those that a host must have. */
function withoutEmpty(name: string, list: unknown[], before: number): unknown[] | undefined {
  return list.length === 0 && before > 0 && name !== 'addr' && name !== 'route' ? undefined : list;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The selection as the part of an address after `#`, and back. */

import { VERDICTS } from '../../explain/report/format/model.js';
import { HOOKS, isPlace, TABLES } from '../../explain/report/format/places.js';
import type { Filter, Selection, ViewName } from '../selection.js';

const VIEWS: readonly ViewName[] = ['Host', 'Connections', 'Rules', 'Packets', 'Timeline', 'Comparison', 'Bench'];

/** What a text of the address stands for; undefined: nothing that can be. */
type Reader<T> = (text: string) => T | undefined;
type Readers<T> = { readonly [Name in keyof T]-?: Reader<T[Name]> };

const from =
  (least: number): Reader<number> =>
  (text) =>
    /^-?\d{1,15}$/.test(text) && Number(text) >= least ? Number(text) : undefined;
const number = from(0);
const isTrue: Reader<boolean> = (text) => text === 'true' || undefined;
const oneOf =
  <T extends string>(all: readonly T[]): Reader<T> =>
  (text) =>
    all.find((one) => one === text);
const FILTER: Readers<Filter> = {
  text: (text) => text || undefined,
  time: (text) => {
    const [first, last] = text.split('..').map(Number);
    return last >= first ? [first, last] : undefined;
  },
  verdict: oneOf(VERDICTS),
  hook: oneOf(HOOKS),
  table: oneOf(TABLES),
  chain: number,
  rule: number,
  isMatched: isTrue,
  connection: number,
  // Below 0: the host.
  inDev: from(-1),
  outDev: from(-2),
  end: (text) => (isPlace(text) ? text : undefined),
};

const REST: Readers<Omit<Selection, 'view' | 'filter'>> = {
  result: number,
  isBeside: isTrue,
  packet: number,
  step: number,
  openRule: number,
  ladder: number,
};

/** Without what is absent. */
export function toHash({ view, filter, ...rest }: Selection): string {
  const values = new URLSearchParams({ view });
  for (const [name, value] of Object.entries({ ...rest, ...filter })) {
    if (value === undefined || value === false) continue;
    values.set(name, Array.isArray(value) ? value.map(Math.round).join('..') : `${value}`);
  }
  return `#${values}`;
}

/** What HASH says; what it says that cannot be is left out. FIRST: the view if it names none. */
export function fromHash(hash: string, first: ViewName): Selection {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const view = oneOf(VIEWS)(values.get('view') ?? '') ?? first;
  return { ...read(values, REST), view, filter: read(values, FILTER) };
}

function read<T>(values: URLSearchParams, readers: Readers<T>): T {
  const found = (Object.entries(readers) as [string, Reader<unknown>][])
    .map(([name, reader]) => [name, reader(values.get(name) ?? '')])
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(found) as T;
}

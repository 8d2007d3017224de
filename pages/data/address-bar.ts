/** The selection as the part of an address after `#`, and back. */

import type { HookName, TableName } from '../../core/hooks.js';
import { VERDICTS } from '../../explain/report/format/model.js';
import type { Filter, Selection, ViewName } from '../selection.js';

const VIEWS: readonly ViewName[] = ['Host', 'Connections', 'Rules', 'Packets', 'Timeline', 'Comparison', 'Bench'];
const HOOKS: readonly HookName[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const TABLES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

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
  const view = VIEWS.find((one) => one === values.get('view')) ?? first;
  return {
    view,
    filter: filterOf(values),
    ...numbersOf(values, ['result', 'packet', 'step']),
    ...(values.get('isBeside') === 'true' && { isBeside: true }),
  };
}

function filterOf(values: URLSearchParams): Filter {
  const text = values.get('text');
  const verdict = VERDICTS.find((one) => one === values.get('verdict'));
  const hook = HOOKS.find((one) => one === values.get('hook'));
  const table = TABLES.find((one) => one === values.get('table'));
  const [from, to] = (values.get('time') ?? '').split('..').map(Number);
  return {
    ...(text && { text }),
    ...(to >= from && { time: [from, to] as const }),
    ...(verdict && { verdict }),
    ...(hook && { hook }),
    ...(table && { table }),
    ...numbersOf(values, ['chain', 'rule', 'connection']),
    ...(values.get('isMatched') === 'true' && { isMatched: true }),
  };
}

function numbersOf<Name extends string>(
  values: URLSearchParams,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const found = names.filter((name) => /^\d{1,15}$/.test(values.get(name) ?? ''));
  return Object.fromEntries(found.map((name) => [name, Number(values.get(name))])) as Partial<Record<Name, number>>;
}

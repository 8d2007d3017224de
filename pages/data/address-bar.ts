/** The selection as the part of an address after `#`, and back. */

import { HOOKS, isPlace, TABLES } from '../../explain/report/format/course.js';
import { VERDICTS } from '../../explain/report/format/model.js';
import type { Filter, Selection, ViewName } from '../selection.js';

const VIEWS: readonly ViewName[] = ['Host', 'Connections', 'Rules', 'Packets', 'Timeline', 'Comparison', 'Bench'];

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
    ...numbersOf(values, ['result', 'packet', 'step', 'openRule', 'ladder']),
    ...(values.get('isBeside') === 'true' && { isBeside: true }),
  };
}

function filterOf(values: URLSearchParams): Filter {
  const text = values.get('text');
  const end = values.get('end') ?? '';
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
    ...devsOf(values),
    ...(isPlace(end) && { end }),
    ...(values.get('isMatched') === 'true' && { isMatched: true }),
  };
}

/** Interfaces; -1 and -2 stand for the host. */
function devsOf(values: URLSearchParams): Pick<Filter, 'inDev' | 'outDev'> {
  const { inDev, outDev } = Object.fromEntries(
    ['inDev', 'outDev'].map((name) => [name, Number(/^-?\d{1,9}$/.exec(values.get(name) ?? '')?.[0] ?? Number.NaN)]),
  );
  return { ...(inDev >= -1 && { inDev }), ...(outDev >= -2 && { outDev }) };
}

function numbersOf<Name extends string>(
  values: URLSearchParams,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const found = names.filter((name) => /^\d{1,15}$/.test(values.get(name) ?? ''));
  return Object.fromEntries(found.map((name) => [name, Number(values.get(name))])) as Partial<Record<Name, number>>;
}

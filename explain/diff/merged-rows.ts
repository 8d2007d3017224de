/** One packet's way through two hosts, as one list of rows: what is the same on both sides stands there once. */
import type { HookName } from '../../core/hooks.js';
import type { Row } from '../story/rows.js';

/** Marks rows of one side, in front of their labels. */
const MARKS = { both: '  ', old: '- ', new: '+ ' } as const;

interface Place {
  readonly row: Row;
  readonly hook: HookName | 'local' | undefined;
  /** The same for rows that say the same, wherever their rules are. */
  readonly meaning: string;
}

interface MarkedPlace {
  readonly side: Side;
  readonly place: Place;
  readonly label: string;
}

export type Side = keyof typeof MARKS;

/** A row of one host, or of both. */
export interface SideRow {
  readonly side: Side;
  /** With `hook` on the first row of a hook, whichever host it is of. */
  readonly row: Row;
}

/** The rows of OLD and OTHER, hook by hook. Rows that are not on both sides are marked. */
export function markedRows(old: readonly Row[], other: readonly Row[]): Row[] {
  return mergedRows(old, other).map(({ side, row }) => ({ ...row, label: MARKS[side] + row.label }));
}

/** The same, with the sides beside the rows. */
export function mergedRows(old: readonly Row[], other: readonly Row[]): SideRow[] {
  const [a, b] = [byHook(placesOf(old)), byHook(placesOf(other))];
  const merged: MarkedPlace[] = [];
  while (a.length > 0 || b.length > 0) {
    const [oldHook, newHook] = [a[0]?.[0].hook, b[0]?.[0].hook];
    const isOnlyOld = a.length > 0 && b.every(([{ hook }]) => hook !== oldHook);
    if (isOnlyOld) merged.push(...merge(a.shift() ?? [], []));
    else if (a.length > 0 && oldHook === newHook) merged.push(...merge(a.shift() ?? [], b.shift() ?? []));
    else merged.push(...merge([], b.shift() ?? []));
  }
  let hook: Place['hook'];
  return merged.map(({ side, place: { row, hook: here }, label }) => {
    const { hook: _, ...rest } = row;
    const isFirst = here !== hook;
    hook = here;
    return { side, row: { ...rest, label, ...(isFirst && here !== undefined ? { hook: here } : {}) } };
  });
}

/** PLACES in one list for each hook. */
function byHook(places: readonly Place[]): Place[][] {
  const lists: Place[][] = [];
  for (const place of places) {
    const last = lists[lists.length - 1];
    if (last !== undefined && last[0].hook === place.hook) last.push(place);
    else lists.push([place]);
  }
  return lists;
}

/** The rows A and B of one hook, of which as many as possible are taken for the same, in order. */
function merge(a: readonly Place[], b: readonly Place[]): MarkedPlace[] {
  const lengths = commonLengths(a, b);
  const merged: MarkedPlace[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i].meaning === b[j].meaning) {
      merged.push({ side: 'both', place: a[i], label: bothLabels(a[i].row.label, b[j].row.label) });
      i++;
      j++;
    } else if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      merged.push({ side: 'old', place: a[i], label: a[i].row.label });
      i++;
    } else {
      merged.push({ side: 'new', place: b[j], label: b[j].row.label });
      j++;
    }
  }
  return merged;
}

function placesOf(rows: readonly Row[]): Place[] {
  let hook: Place['hook'];
  return rows.map((row) => {
    hook = row.hook ?? hook;
    const text = typeof row.text === 'string' ? row.text : [...row.text.tests, row.text.target].join(' ').trim();
    // Without the numbers of rules.
    const [table] = row.label.trim().split(' ');
    const level = row.label.length - row.label.trimStart().length;
    return { row, hook, meaning: JSON.stringify([hook, /^\d/.test(table) ? '' : table, level, text, row.right]) };
  });
}

/** `filter 6→7` for a rule that has moved. */
function bothLabels(old: string, other: string): string {
  if (old === other) return old;
  const number = /[\d-]+$/.exec(other)?.[0] ?? other.trim();
  return `${old}→${number}`;
}

/** The length of the longest common part of what follows A[i] and B[j], at [i][j]. */
function commonLengths(a: readonly Place[], b: readonly Place[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const isSame = a[i].meaning === b[j].meaning;
      lengths[i][j] = isSame ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

/** The order in which packets are listed. */

import type { Column } from '../../explain/report/format/columns.js';
import { type Traversal, VERDICTS } from '../../explain/report/format/model.js';
import type { PacketColumns } from './result.js';

export const PACKET_SORTS = ['time', 'length', 'verdict'] as const;
export type PacketSort = (typeof PACKET_SORTS)[number];

/** The rows that are listed, by their positions. */
export interface PacketOrder {
  readonly length: number;
  rowAt(position: number): number;
  /** -1: ROW is not listed. */
  positionOf(row: number): number;
}

/**
 * ROWS (ascending; undefined: all COUNT) as they are, or the last one first. Nothing is copied, since there may be
 * millions.
 */
export function plainOrder(rows: Uint32Array | undefined, count: number, isDescending = false): PacketOrder {
  const length = rows?.length ?? count;
  const turned = (position: number): number => (isDescending ? length - 1 - position : position);
  return {
    length,
    rowAt: (position) => (rows === undefined ? turned(position) : rows[turned(position)]),
    positionOf: (row) => {
      const found = rows === undefined ? row : searched(rows, row);
      return found < 0 || found >= length ? -1 : turned(found);
    },
  };
}

/** ROWS by SORT; those that have the same stay in their order. */
export function sortedOrder(
  rows: Uint32Array | undefined,
  packets: PacketColumns,
  traversals: readonly Traversal[],
  sort: { readonly name: PacketSort; readonly isDescending: boolean },
): PacketOrder {
  const count = packets.timeNs.length;
  if (sort.name === 'time' && isAscending(packets.timeNs)) return plainOrder(rows, count, sort.isDescending);
  const listed = rows ?? Uint32Array.from({ length: count }, (_, row) => row);
  const sorted =
    sort.name === 'time'
      ? listed.slice().sort((a, b) => packets.timeNs[a] - packets.timeNs[b] || a - b)
      : countingSort(listed, sort.name === 'length' ? lengthKey(packets) : verdictKey(packets, traversals));
  const order = plainOrder(sorted, count, sort.isDescending);
  return {
    ...order,
    positionOf: (row) => {
      const found = sorted.indexOf(row);
      return found < 0 || !sort.isDescending ? found : sorted.length - 1 - found;
    },
  };
}

/** What rows are sorted by: whole numbers from 0. */
interface SortKey {
  readonly keyOf: (row: number) => number;
  readonly keys: number;
}

function lengthKey({ length }: PacketColumns): SortKey {
  let most = 0;
  for (let row = 0; row < length.length; row++) if (length[row] > most) most = length[row];
  return { keyOf: (row) => length[row], keys: most + 1 };
}

function verdictKey({ traversal }: PacketColumns, traversals: readonly Traversal[]): SortKey {
  const keys = Uint8Array.from(traversals, ({ verdict }) => VERDICTS.indexOf(verdict));
  return { keyOf: (row) => keys[traversal[row]], keys: VERDICTS.length };
}

function countingSort(rows: Uint32Array, { keyOf, keys }: SortKey): Uint32Array {
  const starts = new Uint32Array(keys + 1);
  for (const row of rows) starts[keyOf(row) + 1]++;
  for (let key = 0; key < keys; key++) starts[key + 1] += starts[key];
  const sorted = new Uint32Array(rows.length);
  for (const row of rows) sorted[starts[keyOf(row)]++] = row;
  return sorted;
}

function isAscending(times: Column): boolean {
  for (let row = 1; row < times.length; row++) if (times[row] < times[row - 1]) return false;
  return true;
}

/** Where VALUE is in VALUES, which are ascending; -1: nowhere. */
function searched(values: Uint32Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return values[low] === value ? low : -1;
}

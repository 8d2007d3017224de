/** The order in which packets are listed. */
import { VERDICTS } from '../../explain/report/format/model.js';
import type { PacketTable } from './packet-table.js';

export interface PacketSort {
  readonly name: 'time' | 'length' | 'verdict';
  readonly isDescending: boolean;
}

/** The rows that are listed, by their positions. */
export interface PacketOrder {
  readonly length: number;
  rowAt(position: number): number;
  /** -1: ROW is not listed. */
  positionOf(row: number): number;
}

/**
 * ROWS (ascending; undefined: all) of TABLE by SORT; those that have the same stay in their order, or the other way
 * round if it is descending. Without SORT nothing is copied, since there may be millions.
 */
export function packetOrder(rows: Uint32Array | undefined, table: PacketTable, sort?: PacketSort): PacketOrder {
  const all = table.packets.timeNs.length;
  const listed =
    sort === undefined ? rows : sorted(rows ?? Uint32Array.from({ length: all }, (_, i) => i), table, sort);
  const length = listed?.length ?? all;
  const turned = (position: number): number => (sort?.isDescending ? length - 1 - position : position);
  return {
    length,
    rowAt: (position) => (listed === undefined ? turned(position) : listed[turned(position)]),
    positionOf: (row) => {
      const found = listed === undefined ? (row < length ? row : -1) : listed.indexOf(row);
      return found < 0 ? -1 : turned(found);
    },
  };
}

function sorted(rows: Uint32Array, { packets, traversals }: PacketTable, { name }: PacketSort): Uint32Array {
  const { timeNs, length, traversal } = packets;
  // As captures mostly are.
  if (name === 'time' && rows.every((row, i) => i === 0 || timeNs[row] >= timeNs[rows[i - 1]])) return rows;
  if (name === 'time') return rows.slice().sort((a, b) => timeNs[a] - timeNs[b] || a - b);
  const verdicts = traversals.map(({ verdict }) => VERDICTS.indexOf(verdict));
  const key = (row: number): number => (name === 'length' ? length[row] : verdicts[traversal[row]]);
  // Numbers are sorted ten times as fast without a function that compares them.
  const keys = Float64Array.from(rows, (row) => key(row) * 2 ** 32 + row).sort();
  return Uint32Array.from(keys, (value) => value % 2 ** 32);
}

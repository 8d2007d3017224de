/** The connections of a replay as the rows of a section. */
import { BYTES_F64, PACKETS_F64, RECORD_F64 } from '../../../core/conntrack/record.js';
import { ENTRY_ENDS } from '../format/connection-columns.js';
import { VERDICTS } from '../format/model.js';
import { type ConnectionRows, DOUBLE, INT } from './connection-rows.js';
import type { EntryWatch } from './entry-watch.js';
import { ORIGINAL, REPLY } from './membership.js';

const OPEN = ENTRY_ENDS.indexOf('open');
const EXPIRED = VERDICTS.length;
const NS_PER_MS = 1e6;

/**
 * Connections as they are now, in rows of CONNECTION_COLUMNS, in the order of their first packets. ORIGIN_NS: when the
 * host's clock is at 0.
 */
export function* connectionRows(
  rows: ConnectionRows,
  entries: EntryWatch,
  originNs: number,
): Generator<readonly number[]> {
  for (let row = 0; row < rows.count; row++) {
    const int = (column: number): number => rows.int(row, column);
    const double = (column: number): number => rows.double(row, column);
    const end = entries.endOf(row);
    const expiresMs = double(DOUBLE.expiresMs);
    yield [
      ...[int(INT.tuple), int(INT.reply), int(INT.inDev), int(INT.outDev)],
      ...[int(INT.traversal), int(INT.lastTraversal), int(INT.decided)],
      ...[end, int(INT.state), int(INT.timeout), int(INT.isCut) === 1 ? EXPIRED : int(INT.verdict)],
      ...[double(DOUBLE.firstNs), double(DOUBLE.lastNs)],
      expiresMs < 0 ? -1 : Math.round(expiresMs * NS_PER_MS + originNs),
      ...[double(DOUBLE.packets), double(DOUBLE.bytes)],
      ...[double(DOUBLE.packets + REPLY), double(DOUBLE.bytes + REPLY)],
      ...[double(DOUBLE.errors), double(DOUBLE.errorBytes), int(INT.refused), int(INT.invalid)],
      ...uncounted(rows, entries, row, end),
    ];
  }
}

/** What the entry of ROW, if that is still there, has not counted. */
function uncounted(rows: ConnectionRows, { table }: EntryWatch, row: number, end: number): number[] {
  const entry = rows.int(row, INT.entry);
  if (end !== OPEN || !table.isAccounted(entry)) return [0, 0, 0, 0];
  return [ORIGINAL, REPLY].flatMap((direction) => {
    const at = entry * RECORD_F64 + direction;
    const packets = rows.double(row, DOUBLE.packets + direction) - table.doubles[at + PACKETS_F64];
    return [packets, rows.double(row, DOUBLE.bytes + direction) - table.doubles[at + BYTES_F64]];
  });
}

/** All that the connections of a result are shown with. */
import { ENTRY_ENDS } from '../../../explain/report/format/connection-columns.js';
import { type NumberNames, type TimelineEvent, VERDICTS } from '../../../explain/report/format/model.js';
import type { Verdict } from '../../../explain/story/story.js';
import { type PacketTable, packetTable } from '../packet-table.js';
import type { ConnectionColumns, Result } from '../result.js';

export interface ConnectionFacts extends PacketTable {
  readonly result: Result;
  readonly connections: ConnectionColumns;
  /** Of addresses. */
  readonly names: Readonly<Record<string, string>>;
  readonly numberNames: NumberNames;
  /** Of rules and the host. */
  readonly changes: readonly TimelineEvent[];
}

export async function connectionFacts(result: Result): Promise<ConnectionFacts> {
  const [table, connections, events] = await Promise.all([packetTable(result), result.connections(), result.events()]);
  const changes = events.filter(({ kind }) => kind === 'change');
  const { names, numberNames } = result.index;
  return { ...table, result, connections, names, numberNames, changes };
}

/** What became of a connection: of its packets, or `expired` if its entry timed out while there were still some. */
export type ConnectionVerdict = Verdict | 'expired';

export const CONNECTION_VERDICTS: readonly ConnectionVerdict[] = [...VERDICTS, 'expired'];

export type EntryEnd = (typeof ENTRY_ENDS)[number];

export function entryEndOf({ connections }: ConnectionFacts, row: number): EntryEnd {
  return ENTRY_ENDS[connections.entry[row]] ?? 'none';
}

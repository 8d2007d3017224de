/** What packets are listed and shown by. */
import type { RulesSection, Traversal } from '../../explain/report/format/model.js';
import type { PacketColumns, Result, TupleColumns } from './result.js';

export interface PacketTable {
  readonly packets: PacketColumns;
  readonly tuples: TupleColumns;
  readonly traversals: readonly Traversal[];
  readonly rules: RulesSection;
  readonly details: readonly (readonly string[])[];
}

export async function packetTable(result: Result): Promise<PacketTable> {
  const [packets, tuples, traversals, rules, details] = await Promise.all([
    result.packets(),
    result.tuples(),
    result.traversals(),
    result.rules(),
    result.details(),
  ]);
  return { packets, tuples, traversals, rules, details };
}

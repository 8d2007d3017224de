/** A table and an engine to a program. */
import { compileTable } from './compile.js';
import type { RuleContext } from './context.js';
import { interpretTable, type TableProgram } from './interpret.js';
import { withStates } from './match-state.js';
import type { Table, TableCounters } from './model.js';

export type Engine = 'interpreter' | 'compiled';

/**
 * TABLE as something that runs; COUNTERS (`createCounters(table)`) are counted up while it does. What its matches keep from
 * packet to packet starts anew.
 */
export function buildTable(
  table: Table,
  context: RuleContext,
  counters: TableCounters,
  engine: Engine = 'compiled',
): TableProgram {
  const own = withStates(table, context);
  return engine === 'compiled' ? compileTable(own, context, counters) : interpretTable(own, context, counters);
}

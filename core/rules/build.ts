/** A table and an engine to a program. */
import { compileTable } from './compile.js';
import type { RuleContext } from './context.js';
import { interpretTable, type TableProgram } from './interpret.js';
import type { Table, TableCounters } from './model.js';

export type Engine = 'interpreter' | 'compiled';

/** TABLE as something that runs; COUNTERS (`createCounters(table)`) are counted up while it does. */
export function buildTable(
  table: Table,
  context: RuleContext,
  counters: TableCounters,
  engine: Engine = 'compiled',
): TableProgram {
  return engine === 'compiled' ? compileTable(table, context, counters) : interpretTable(table, context, counters);
}

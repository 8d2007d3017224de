/** A table of rules made to run. */
import type { RuleContext } from './context.js';
import { interpretTable, type TableProgram } from './interpret.js';
import type { Table, TableCounters } from './model.js';

export type Engine = 'interpreter' | 'compiled';
export type { TableProgram } from './interpret.js';

export function buildTable(table: Table, context: RuleContext, counters: TableCounters, _engine: Engine): TableProgram {
  return interpretTable(table, context, counters);
}

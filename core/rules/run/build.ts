/** Builds a program from a table and an engine. */

import type { Emit } from '../../events.js';
import type { RuleContext } from '../context.js';
import type { Table, TableCounters } from '../model.js';
import { compileTable } from './compile.js';
import { interpretTable, type TableProgram } from './interpret.js';
import { withStates } from './match-state.js';
import { isDeep } from './nesting.js';
import { overfill } from './trace.js';

/**
 * How rules are run. All engines produce the same results. interpreter: one rule at a time. compiled: generated code.
 * indexed: generated code with an index for long chains, so that a packet is only tested against the rules it may
 * match. Tables whose chains are nested too deeply for generated code are always interpreted.
 */
export const ENGINES = ['indexed', 'compiled', 'interpreter'] as const;
export type Engine = (typeof ENGINES)[number];

/**
 * Builds a runnable program from TABLE, which updates COUNTERS (`createCounters(table)`). The state of its matches
 * starts fresh. EMIT receives events from the interpreter; the other engines emit none.
 */
export function buildTable(
  table: Table,
  context: RuleContext,
  counters: TableCounters,
  engine: Engine = 'indexed',
  emit?: Emit,
): TableProgram {
  return buildProgram(withStates(table, context), table, context, counters, engine, emit);
}

/** Same as `buildTable`, for a table with the states of its matches (`withStates`). DECLARED: as the ruleset has it. */
export function buildProgram(
  own: Table,
  declared: Table,
  context: RuleContext,
  counters: TableCounters,
  engine: Engine,
  emit: Emit,
): TableProgram {
  if (engine === 'interpreter') return interpretTable(own, context, counters, emit, declared);
  if (isDeep(own)) {
    const interpreted = interpretTable(own, context, counters);
    return {
      run(packet, hook) {
        const verdict = interpreted.run(packet, hook);
        overfill(counters.trace);
        return verdict;
      },
    };
  }
  return compileTable(own, context, counters, engine === 'indexed');
}

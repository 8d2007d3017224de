/** Builds a program from a table and an engine. */

import { type Observation, UNOBSERVED } from '../../events.js';
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
 * starts fresh.
 */
export function buildTable(
  table: Table,
  context: RuleContext,
  counters: TableCounters,
  engine: Engine = 'indexed',
): TableProgram {
  return buildProgram(withStates(table, context), {
    declared: table,
    context,
    counters,
    engine,
    observation: UNOBSERVED,
  });
}

export interface ProgramParts {
  /** The table as the ruleset has it. */
  readonly declared: Table;
  readonly context: RuleContext;
  readonly counters: TableCounters;
  readonly engine: Engine;
  /** While packets are observed, the interpreter runs all tables and emits the events. */
  readonly observation: Observation;
}

/** Same as `buildTable`, for a TABLE with the states of its matches (`withStates`). */
export function buildProgram(table: Table, parts: ProgramParts): TableProgram {
  const { declared, context, counters, engine, observation } = parts;
  const interpreted = interpretTable(table, context, counters, observation, declared);
  if (engine === 'interpreter') return interpreted;
  if (isDeep(table)) {
    return {
      run(packet, hook) {
        const verdict = interpreted.run(packet, hook);
        overfill(counters.trace);
        return verdict;
      },
    };
  }
  return compileTable(table, { context, counters, interpreted, observation, isIndexed: engine === 'indexed' });
}

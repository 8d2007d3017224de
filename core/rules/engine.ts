/** placeholder until the engines are there */
import type { Hook, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { RuleContext } from './context.js';
import type { Table, TableCounters } from './model.js';
export type Engine = 'interpreter' | 'compiled';
export interface TableProgram {
  run(packet: Packet, hook: Hook): Verdict;
}
export function buildTable(_t: Table, _c: RuleContext, _n: TableCounters, _e: Engine): TableProgram {
  return { run: () => 1 };
}

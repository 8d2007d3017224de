/** The tables of a ruleset, made to run at the hooks of one host, with their counters. */
import { HOOK_NAMES, type TableName } from './hooks.js';
import type { RuleContext } from './rules/context.js';
import { createCounters, type Ruleset, type TableCounters, traceIds } from './rules/model.js';
import { buildTable, type Engine } from './rules/run/build.js';
import type { Asked, TableProgram } from './rules/run/interpret.js';
import { createTrace, type Trace } from './rules/run/trace.js';

/** A table's rules, and what is said of a packet that they drop at a hook. */
export interface HookedTable {
  readonly program: TableProgram;
  readonly reasons: readonly string[];
}

/** A table that the ruleset does not have is undefined, and its hooks are passed. */
export class HookedTables {
  readonly raw: HookedTable | undefined;
  readonly mangle: HookedTable | undefined;
  readonly nat: HookedTable | undefined;
  readonly filter: HookedTable | undefined;
  readonly security: HookedTable | undefined;

  readonly counters = new Map<TableName, TableCounters>();
  /** What all tables write down of the packet that passes; each rule and policy has an id of its own in it. */
  readonly trace: Trace = createTrace();
  /** What rules ask that only the packet can answer, by the rule's id in the trace. */
  readonly asks = new Map<number, Asked>();
  #nextId = 0;

  constructor(ruleset: Ruleset, context: RuleContext, engine: Engine) {
    const build = (name: TableName): HookedTable | undefined => {
      const table = ruleset.tables.find((one) => one.name === name);
      if (table === undefined) return undefined;
      const counters = createCounters(table, this.trace, this.#nextId);
      this.#nextId += traceIds(table);
      this.counters.set(name, counters);
      const program = buildTable(table, context, counters, engine);
      for (const [id, ask] of program.asks ?? []) this.asks.set(id, ask);
      return { program, reasons: HOOK_NAMES.map((hook) => `${name} ${hook}`) };
    };
    this.raw = build('raw');
    this.mangle = build('mangle');
    this.nat = build('nat');
    this.filter = build('filter');
    this.security = build('security');
  }

  /** Add PACKETS with BYTES in all to what the rule or policy of ID has counted. */
  count(id: number, packets: number, bytes: number): void {
    for (const { firstId, rules, policies } of this.counters.values()) {
      const index = id - firstId;
      const policy = index - rules.length / 2;
      if (index < 0 || policy * 2 >= policies.length) continue;
      const [counts, at] = policy < 0 ? [rules, index * 2] : [policies, policy * 2];
      counts[at] += packets;
      counts[at + 1] += bytes;
      return;
    }
  }
}

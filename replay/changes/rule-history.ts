/** What became of rules and their counters while rules changed: those of rules that went, and those that tools show. */
import type { Emulator } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import { addCounters } from '../../core/rules/loaded-counters.js';
import type { Rule, SavedCounters } from '../../core/rules/model.js';
import type { RuleChange } from '../../core/rules/rule-change.js';
import { saveRule } from '../../core/rules/save.js';

/** A rule that counted packets and is not there any more. */
export interface RetiredRule {
  readonly table: TableName;
  readonly rule: Rule;
  packets: number;
  bytes: number;
  /** The number of the change that ended it, from 1. */
  until: number;
}

type Counters = ReadonlyMap<TableName, SavedCounters>;

export class RuleHistory {
  readonly #emulator: Emulator;
  /** By table, file, line and words: a file may be loaded again. */
  readonly #retired = new Map<string, RetiredRule>();
  /** What is shown besides what was counted in this run: counters that were loaded, less those that were reset. */
  #offsets: Counters;

  /** LOADED: the counters that the first rules start from; undefined: 0. */
  constructor(emulator: Emulator, loaded: Counters | undefined) {
    this.#emulator = emulator;
    this.#offsets = loaded ?? new Map();
  }

  /** The counters of the rules in force as iptables-save shows them. */
  get shown(): Counters {
    const { counters } = this.#emulator;
    return this.#offsets.size === 0 ? counters : addCounters(counters, this.#offsets);
  }

  /** In the order in which they first went. */
  get retired(): readonly RetiredRule[] {
    return [...this.#retired.values()];
  }

  /**
   * Puts CHANGE in force, the NUMBERth change. SHOWN: what counters then show, of each table that is replaced.
   * @throws what `Emulator.replaceRules` throws
   */
  replace(change: RuleChange, shown: Counters, number: number): void {
    const emulator = this.#emulator;
    const { tables } = emulator.ruleset;
    const before = new Map(emulator.counters);
    emulator.replaceRules(change);
    const after = emulator.ruleset.tables;
    for (const { name, rules } of tables.filter((table) => !after.includes(table))) {
      const counted = before.get(name)?.rules;
      const table = after.find((one) => one.name === name);
      const going = new Set(table && change.continues ? table.rules.map((r) => change.continues?.(r, table)) : []);
      for (const rule of rules) if (!going.has(rule)) this.#retire(name, rule, counted, number);
    }
    const offsets = new Map<TableName, SavedCounters>();
    for (const table of after) {
      const { name } = table;
      const offset = tables.includes(table)
        ? this.#offsets.get(name)
        : difference(shown.get(name), emulator.counters.get(name));
      if (offset !== undefined) offsets.set(name, offset);
    }
    this.#offsets = offsets;
  }

  #retire(table: TableName, rule: Rule, counted: Float64Array | undefined, until: number): void {
    const packets = counted?.[rule.index * 2] ?? 0;
    if (packets === 0) return;
    const bytes = counted?.[rule.index * 2 + 1] ?? 0;
    const key = JSON.stringify([table, rule.file, rule.line, rule.chain, saveRule(rule)]);
    const known = this.#retired.get(key);
    if (known === undefined) this.#retired.set(key, { table, rule, packets, bytes, until });
    else Object.assign(known, { packets: known.packets + packets, bytes: known.bytes + bytes, until });
  }
}

/** SHOWN less COUNTED; undefined if that is nothing. */
function difference(shown: SavedCounters | undefined, counted: SavedCounters | undefined): SavedCounters | undefined {
  if (counted === undefined) return undefined;
  const less = (a: Float64Array | undefined, b: Float64Array): Float64Array =>
    b.map((count, i) => (a?.[i] ?? 0) - count);
  const [rules, policies] = [less(shown?.rules, counted.rules), less(shown?.policies, counted.policies)];
  return rules.every((count) => count === 0) && policies.every((count) => count === 0)
    ? undefined
    : { rules, policies };
}

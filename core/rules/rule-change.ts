/** A ruleset that takes the place of another one while packets flow. */
import type { Rule, Ruleset, Table } from './model.js';

export interface RuleChange {
  /**
   * What is in force from the next packet on. A table that is the same object as before goes on as if nothing had
   * happened; one that is missing is gone.
   */
  readonly ruleset: Ruleset;
  /**
   * The rule in force that a RULE of another table object is: its counter goes on, and so do those of its table's
   * policies. Left out: all rules of such tables are new and start from 0, as with iptables-restore.
   */
  readonly continues?: ((rule: Rule, table: Table) => Rule | undefined) | undefined;
  /**
   * Whether what the matches of such a rule remember also goes on. An iptables that edits single rules (nft) leaves the
   * others alone; one that replaces the table (legacy) has the kernel start afresh. Default: no.
   */
  readonly keepsStates?: boolean | undefined;
}

/** CURRENT with the tables of LOADED in place of those of the same name, as iptables-restore loads them. */
export function withTables(current: Ruleset, loaded: Ruleset): Ruleset {
  const known = current.tables.map((table) => loaded.tables.find(({ name }) => name === table.name) ?? table);
  return { ...loaded, tables: [...known, ...loaded.tables.filter((table) => !known.includes(table))] };
}

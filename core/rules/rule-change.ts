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

/**
 * CURRENT with the tables of LOADED in place of those of the same name, as iptables-restore loads them. In x_tables,
 * built-in chains whose policy LOADED does not set keep the one in force. In nf_tables they have been deleted with the
 * table: theirs is ACCEPT.
 */
export function withTables(current: Ruleset, loaded: Ruleset): Ruleset {
  const tables = loaded.tables.map((table) => {
    const before = current.tables.find(({ name }) => name === table.name);
    return before === undefined || table.isNft === true ? table : withPoliciesOf(before, table);
  });
  const known = current.tables.map((table) => tables.find(({ name }) => name === table.name) ?? table);
  return { ...loaded, tables: [...known, ...tables.filter((table) => !known.includes(table))] };
}

/** TABLE with the policies of BEFORE where no line sets one. */
function withPoliciesOf(before: Table, table: Table): Table {
  const chains = table.chains.map((chain) => {
    if (chain.hook === undefined || chain.line !== 0) return chain;
    const { policy, file, line } = before.chains.find(({ hook }) => hook === chain.hook) ?? chain;
    return { ...chain, policy, file, line };
  });
  return { ...table, chains };
}

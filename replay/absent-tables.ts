/** What is said of tables that are not among the rules, where listings show only those that somebody asked for. */
import { shownPath } from '../codecs/text.js';
import type { TableName } from '../core/hooks.js';
import { listsSomeTables, type RulesSource } from '../core/rules/forms/read-rules.js';
import type { Backend, Ruleset } from '../core/rules/model.js';

/** The tables that hosts have rules in. */
const USUAL: readonly TableName[] = ['filter', 'nat', 'mangle', 'raw'];

export interface AbsentTables {
  readonly assumed: readonly string[];
  readonly warnings: readonly string[];
}

/** About the tables that RULESET, read from SOURCES, has not. Nothing if these are what iptables-save prints. */
export function absentTables({ tables }: Ruleset, sources: readonly RulesSource[]): AbsentTables {
  const absent = USUAL.filter((name) => tables.every((table) => table.name !== name));
  if (absent.length === 0 || !sources.every(listsSomeTables)) return { assumed: [], warnings: [] };
  const files = sources.map(({ file }) => shownPath(file)).join(', ');
  const chains = tables.find(({ name }) => name === 'filter')?.chains ?? [];
  const isDocker = absent.includes('nat') && chains.some(({ name }) => name === 'DOCKER');
  const published = 'the ports that Docker publishes are in the table nat, which is not here, so none is followed';
  return {
    assumed: [`${absent.join(', ')}: not in ${files}, taken as empty`],
    warnings: isDocker ? [`${files}: ${published}; \`iptables -t nat -L -v -n\` lists it`] : [],
  };
}

/** What is assumed of the chains of table nat in RULESET, which iptables-save of BACKEND printed; empty: nothing. */
export function assumedChains({ tables }: Ruleset, backend: Backend): string[] {
  const nat = tables.find(({ name }) => name === 'nat');
  if (backend !== 'nft' || nat === undefined || nat.rules.length > 0) return [];
  if (!nat.chains.some(({ hook, isAbsent }) => hook !== undefined && isAbsent !== true)) return [];
  return ['nft: whether the empty chains of table nat exist is not known from iptables-save; taken as there'];
}

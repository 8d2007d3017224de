/** A later snapshot of the host: its rules come into force, and what else differs, its sets too, is said. */
import type { HostDescription } from '../../codecs/host/description.js';
import { shownPath } from '../../codecs/text.js';
import type { TableName } from '../../core/hooks.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { Rule, Ruleset, SavedCounters, Table } from '../../core/rules/model.js';
import type { RuleChange } from '../../core/rules/rule-change.js';
import { saveRule } from '../../core/rules/save.js';
import { readHostAt } from '../../io/host-files.js';
import { assumedChains } from '../absent-tables.js';
import { hostRules } from '../host-rules.js';
import type { PlanOptions } from './planned-change.js';

export interface PlannedSnapshot {
  readonly ruleset: Ruleset;
  /** About what of it is not followed. */
  readonly warnings: readonly string[];
}

/** What may differ between two snapshots of a host and is not followed. */
const MEMBERS: readonly (readonly [keyof HostDescription, string])[] = [
  ['links', 'interfaces and addresses'],
  ['routes', 'routes'],
  ['rules', 'policy routing'],
  ['neighbours', 'neighbours'],
  ['sysctls', 'sysctls'],
];

/**
 * Reads the snapshot at PATH, a file or a folder.
 * @throws {HostError} {RulesetError} {FileError} {ReplayOptionsError}
 */
export function planSnapshot(path: string, { lax, names, backend, base, hasEnded }: PlanOptions): PlannedSnapshot {
  const { description } = readHostAt(path, hasEnded ? { hasEnded } : {});
  const own = hostRules(description, path);
  const ruleset = readAllRules([{ text: own.text, file: own.path }], { lax, family: 'ipv4', names, backend });
  const differing = MEMBERS.filter(([member]) => asText(base[member]) !== asText(description[member]));
  const setsDiffer = (base.texts.ipset?.text ?? '').trim() !== (description.texts.ipset?.text ?? '').trim();
  const parts = [...differing.map(([, words]) => words), ...(setsDiffer ? ['sets'] : [])];
  const other = parts.join(', ');
  const line = own.text.split('\n').indexOf('*nat') + 1;
  const assumed = assumedChains(ruleset, own.backend).map((message) => ({ line, column: 1, message }));
  return {
    ruleset: { ...ruleset, assumed: [...(ruleset.assumed ?? []), ...assumed] },
    warnings: parts.length === 0 ? [] : [`${shownPath(path)}: also differs in ${other}, which is not followed`],
  };
}

function asText(value: unknown): string {
  return JSON.stringify(value instanceof Map ? [...value].sort() : value) ?? '';
}

/** A change to other rules of which those with the same words go on. */
interface Continuing extends RuleChange {
  readonly shown: ReadonlyMap<TableName, SavedCounters>;
}

/**
 * The change from BEFORE, whose counters SHOWN are, to AFTER: rules with the same words in the same chain go on, and so
 * do tables that are the same.
 */
export function continuing(
  before: Ruleset,
  after: Ruleset,
  shown: ReadonlyMap<TableName, SavedCounters>,
): Required<Pick<Continuing, 'ruleset' | 'continues' | 'shown'>> {
  const origins = new Map<Rule, Rule>();
  const tables = after.tables.map((table): Table => {
    const old = before.tables.find(({ name }) => name === table.name);
    if (old === undefined) return table;
    const known = keyed(old);
    for (const [key, rule] of keyed(table)) {
      const origin = known.get(key);
      if (origin !== undefined) origins.set(rule, origin);
    }
    return isSame(old, table, origins) ? old : table;
  });
  const counters = tables.flatMap((table): [TableName, SavedCounters][] => {
    const counted = shown.get(table.name);
    if (counted === undefined) return [];
    const rules = new Float64Array(table.rules.length * 2);
    for (const rule of table.rules) {
      const origin = before.tables.some((old) => old === table) ? rule : origins.get(rule);
      if (origin !== undefined)
        rules.set(counted.rules.subarray(origin.index * 2, origin.index * 2 + 2), rule.index * 2);
    }
    return [[table.name, { rules, policies: counted.policies }]];
  });
  return {
    ruleset: { ...after, tables },
    continues: (rule) => origins.get(rule),
    shown: new Map(counters),
  };
}

/** The rules of a table by what identifies them: the chain, the words, and which with these words it is. */
function keyed({ rules }: Table): Map<string, Rule> {
  const seen = new Map<string, number>();
  return new Map(
    rules.map((rule) => {
      const words = `${rule.chain}${saveRule(rule)}`;
      const nth = seen.get(words) ?? 0;
      seen.set(words, nth + 1);
      return [`${nth} ${words}`, rule];
    }),
  );
}

function isSame(a: Table, b: Table, origins: ReadonlyMap<Rule, Rule>): boolean {
  return (
    a.rules.length === b.rules.length &&
    a.chains.length === b.chains.length &&
    a.chains.every(({ name, policy }, i) => b.chains[i].name === name && b.chains[i].policy === policy) &&
    b.rules.every((rule) => origins.get(rule)?.index === rule.index)
  );
}

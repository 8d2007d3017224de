/** A later snapshot of the host: its rules come into force, and the host becomes as it is there, but for its sets. */
import type { HostDescription } from '../../codecs/host/description.js';
import type { JsonObject } from '../../codecs/host/json-values.js';
import type { HostSource } from '../../codecs/host/parse-host.js';
import { shownPath } from '../../codecs/text.js';
import type { TableName } from '../../core/hooks.js';
import { afterChange } from '../../core/host/after-change.js';
import { type Host, hostOf } from '../../core/host/host.js';
import { unfollowedSettings } from '../../core/host/host-change.js';
import { Sysctls } from '../../core/host/sysctls.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { Rule, Ruleset, SavedCounters, Table } from '../../core/rules/model.js';
import type { RuleChange } from '../../core/rules/rule-change.js';
import { saveRule } from '../../core/rules/save.js';
import { readHostAt } from '../../io/host-files.js';
import { assumedChains } from '../absent-tables.js';
import { hostRules } from '../host-rules.js';
import { isHostWithDocker } from '../life/snapshot-folder.js';
import type { PlanOptions } from './planned-change.js';

export interface PlannedSnapshot {
  readonly ruleset: Ruleset;
  /** The host as it is there. */
  readonly host: Host;
  /** The same, with the members of a host.json. */
  readonly json: JsonObject;
  /** About what of it is not followed. */
  readonly warnings: readonly string[];
}

/** The outputs that a snapshot may lack, and what they describe: that stays as it was. */
const MEMBERS = { route: 'routes', rule: 'rules', neigh: 'neighbours', sysctl: 'sysctls' } as const;

/**
 * Reads the snapshot at PATH, a file or a folder.
 * @throws {HostError} {RulesetError} {FileError} {ReplayOptionsError}
 */
export function planSnapshot(path: string, { lax, names, backend, base, hasEnded }: PlanOptions): PlannedSnapshot {
  const source = readHostAt(path, hasEnded ? { hasEnded } : {});
  const { description } = source;
  const own = hostRules(description, path);
  const ruleset = readAllRules([{ text: own.text, file: own.path }], { lax, family: 'ipv4', names, backend });
  const setsDiffer = (base.texts.ipset?.text ?? '').trim() !== (description.texts.ipset?.text ?? '').trim();
  const settings = unfollowedSettings(new Sysctls([], base.sysctls), hostOf(source).sysctls);
  const parts = [...(setsDiffer ? ['sets'] : []), ...settings];
  const other = parts.join(', ');
  const line = own.text.split('\n').indexOf('*nat') + 1;
  const assumed = assumedChains(ruleset, own.backend).map((message) => ({ line, column: 1, message }));
  return {
    json: source.json,
    host: hostOf({ ...source, description: afterChange(base, completed(source, base, settings)) }),
    ruleset: { ...ruleset, assumed: [...(ruleset.assumed ?? []), ...assumed] },
    warnings: [
      ...(parts.length === 0 ? [] : [`${shownPath(path)}: also differs in ${other}, which is not followed`]),
      ...(isHostWithDocker(path)
        ? [`${shownPath(path)}: a host that was written before, so it was read; snapshots are written to new folders`]
        : []),
    ],
  };
}

/** The description in a snapshot; what it lacks is as in BASE, and so are the SETTINGS that cannot be followed. */
function completed(
  { description, json }: HostSource,
  base: HostDescription,
  settings: readonly string[],
): HostDescription {
  const before = new Sysctls([], base.sysctls);
  const kept = Object.entries(MEMBERS).filter(([member]) => json[member] === undefined);
  const all = { ...description, ...Object.fromEntries(kept.map(([, part]) => [part, base[part]])) };
  return {
    ...all,
    sysctls: new Map([...all.sysctls, ...settings.map((name) => [name, before.global(name)] as const)]),
  };
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

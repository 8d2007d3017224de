/** The sets that rules name: they must be there, and cannot be destroyed while a rule refers to them. */
import type { SetPlace } from '../sets/set-place.js';
import type { SetStore } from '../sets/store.js';
import type { SetMention } from './extension.js';
import type { Rule, Ruleset, Table } from './model.js';
import { RuleFault, RulesetError } from './parse/error.js';
import { type UnsupportedPart, unsupportedUses } from './unsupported.js';

/**
 * RULESET for a host with these SETS. With LAX, rules that name a set which is not there are not followed: they never
 * match. FAILURE: why nothing is known of the host's own sets.
 *
 * @throws {RulesetError} if a rule names one, unless LAX
 */
export function rulesForSets(ruleset: Ruleset, sets: SetStore, lax: boolean, failure?: string): Ruleset {
  const missing: MissingPart[] = [];
  const tables = ruleset.tables.map((table) => tableForSets(table, sets, missing));
  if (missing.length === 0) return ruleset;
  if (!lax) throw missingError(missing, whatToDo(sets, failure));
  const warnings = missing.map(({ file, part: { word, message } }) => {
    return { file, line: word.line, column: word.column, message };
  });
  return { ...ruleset, tables, warnings: [...ruleset.warnings, ...warnings].sort((a, b) => a.line - b.line) };
}

/** Of a rule in FILE. */
interface MissingPart {
  readonly file: string;
  readonly part: UnsupportedPart;
}

/** All that is missing in the first file with any. */
function missingError(missing: readonly MissingPart[], hint: string): RulesetError {
  const [{ file }] = missing;
  const parts = missing.filter((one) => one.file === file).map(({ part }) => part);
  const uses = unsupportedUses(parts).map((use) => ({ ...use, message: `${use.message}; ${hint}` }));
  const [{ word, message }] = uses;
  return new RulesetError(file, new RuleFault(word, message), uses);
}

/** TABLE, with what of its rules is missing, which is added to MISSING, as not supported. */
function tableForSets(table: Table, sets: SetStore, missing: MissingPart[]): Table {
  const changed = new Map<number, Rule>();
  for (const rule of table.rules) {
    const parts = missingParts(rule, sets);
    if (parts.length > 0) changed.set(rule.index, { ...rule, unsupported: [...(rule.unsupported ?? []), ...parts] });
    for (const part of parts) missing.push({ file: rule.file, part });
  }
  if (changed.size === 0) return table;
  const now = (rule: Rule): Rule => changed.get(rule.index) ?? rule;
  const chains = table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(now) }));
  return { ...table, chains, rules: table.rules.map(now) };
}

/** The parts of RULE that name sets which cannot be asked. Those that are not supported anyway are left out. */
function missingParts(rule: Rule, sets: SetStore): UnsupportedPart[] {
  const known = new Set(rule.unsupported?.map(({ part }) => part));
  const parts: UnsupportedPart[] = [];
  for (const { part, name, mention } of mentionsOf(rule)) {
    const message = known.has(part) ? undefined : faultOf(mention, sets);
    if (message === undefined) continue;
    known.add(part);
    parts.push({ part, name, message, word: mention.word });
  }
  return parts;
}

/** Why a rule cannot ask the set that it mentions (get_set_byname of iptables); undefined if it can. */
function faultOf({ name }: SetMention, sets: SetStore): string | undefined {
  const found = sets.get(name);
  if (found === undefined) return `Set ${name} doesn't exist`;
  const { families } = found.type;
  if (families.length === 0 || found.options.family === 'ipv4') return undefined;
  return `The protocol family of set ${name} is IPv6, which is not applicable`;
}

const MAX_NAMED = 8;

function whatToDo(sets: SetStore, failure: string | undefined): string {
  const names = [...sets].map(({ name }) => name);
  const shown = names.length > MAX_NAMED ? [...names.slice(0, MAX_NAMED), `${names.length - MAX_NAMED} more`] : names;
  const there = names.length === 0 ? 'there are no sets' : `there are: ${shown.join(', ')}`;
  const known = failure === undefined ? there : `\`ipset save\` failed on the host: ${failure}; ${there}`;
  return `${known}; expected: what \`ipset save\` prints on the host, by --ipset FILE or as ipset of host.json`;
}

/** The references of rules to sets, from when the rules are loaded until they are removed. */
export class SetReferences {
  readonly #sets: SetStore;
  readonly #places: SetPlace[] = [];

  constructor(tables: readonly Table[], sets: SetStore) {
    this.#sets = sets;
    for (const rule of tables.flatMap(({ rules }) => rules)) {
      const unsupported = new Set(rule.unsupported?.map(({ part }) => part));
      for (const { part, mention } of mentionsOf(rule)) {
        const place = unsupported.has(part) ? undefined : sets.take(mention.name);
        if (place !== undefined) this.#places.push(place);
      }
    }
  }

  /** The rules are gone. */
  release(): void {
    for (const place of this.#places.splice(0)) this.#sets.release(place);
  }
}

interface RuleMention {
  readonly part: number | 'target';
  readonly name: string;
  readonly mention: SetMention;
}

/** Every mention of a set in RULE. */
function mentionsOf({ matches, target }: Rule): RuleMention[] {
  const found: RuleMention[] = [];
  matches.forEach(({ extension, params }, part) => {
    for (const mention of extension.sets?.(params) ?? []) found.push({ part, name: `-m ${extension.name}`, mention });
  });
  if (target.kind === 'extension') {
    const { extension, params } = target;
    for (const mention of extension.sets?.(params) ?? [])
      found.push({ part: 'target', name: `-j ${extension.name}`, mention });
  }
  return found;
}

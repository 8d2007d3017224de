/** Fills in what a listing does not show of rules that are known to be written in one way only, if asked for. */
import type { DeviceMatch } from '../base-match.js';
import { HIDDEN_DEVICES } from '../listing/parse-listing.js';
import type { Chain, Rule, Ruleset, RulesetWarning, Table } from '../model.js';
import type { ChainDraft } from '../parse/check-table.js';
import { finishedTable } from '../parse/finished-table.js';
import { saveRule } from '../save.js';
import { formatLines, type UnsupportedPart } from '../unsupported.js';
import { type Bridge, guessDocker, type ShownChains } from './docker-guess.js';
import { guessRhel } from './rhel-guess.js';

/** Whose rules are guessed. docker: also those of rhel, where Docker runs beside the `iptables` service. */
export const GUESSES = ['docker', 'rhel'] as const;
export type Guess = (typeof GUESSES)[number];

export interface GuessOptions {
  readonly guess: Guess;
  /** Of the host, in the order in which they were made. */
  readonly bridges: readonly Bridge[];
}

interface Shown {
  readonly text: string;
  readonly rule: Rule;
}

/** RULESET, which was read with `lax`, with what OPTIONS guess; each guess is among `assumed`. */
export function withGuesses(ruleset: Ruleset, { guess, bridges }: GuessOptions): Ruleset {
  const emptied = new Set<string>();
  const listed = ruleset.tables.map((table) => withEmptyChains(table, emptied));
  const shown = new Map(listed.flatMap(({ table }) => [...shownChains(table)]));
  const chains: ShownChains<Shown> = (table, chain) => shown.get(`${table} ${chain}`) ?? [];
  const guesses = new Map<Rule, string>();
  const found = [guessRhel(chains), ...(guess === 'docker' ? [guessDocker(chains, bridges)] : [])];
  for (const [{ rule }, words] of found.flatMap((one) => [...one])) guesses.set(rule, words);
  // It does not matter which packets an empty chain gets.
  for (const { rule } of [...shown.values()].flat()) {
    if ('chain' in rule.target && emptied.has(`${rule.file} ${rule.target.chain}`)) guesses.set(rule, '');
  }
  const notes = [...listed.flatMap(({ notes: one }) => one), ...notesOn(guesses)];
  const tables = listed.map(({ table }) => withDevices(table, guesses));
  const before = unknownIn(ruleset.tables);
  const after = unknownIn(tables);
  const warnings = ruleset.warnings.flatMap((warning): RulesetWarning[] => {
    const { file = ruleset.fileName, line, message } = warning;
    const key = keyOf(file, line, message);
    if (after.has(key) || !before.has(key)) return [warning];
    return after.has(keyOf(file, line, NOT_GUESSED)) ? [{ ...warning, message: NOT_GUESSED }] : [];
  });
  return { ...ruleset, tables, warnings, assumed: notes };
}

/** The rules of TABLE that a listing does not show whole, by table and chain. */
function* shownChains({ name, chains }: Table): Generator<[string, Shown[]]> {
  for (const chain of chains) {
    yield [`${name} ${chain.name}`, chain.rules.map((rule) => ({ rule, text: saveRule(rule).trim() }))];
  }
}

/** The chains of TABLE without the rules that stand for what is not known of a chain that rules jump to. */
function withEmptyChains(table: Table, emptied: Set<string>): { table: Table; notes: RulesetWarning[] } {
  const notes: RulesetWarning[] = [];
  const chains = table.chains.map((chain): ChainDraft => {
    const draft = { ...chain, rules: [...chain.rules], isAbsent: chain.isAbsent === true };
    const [{ unsupported, file, line } = { unsupported: undefined, file: '', line: 0 }] = chain.rules;
    const isUnlisted = unsupported?.some(({ part, name }) => part === 'rule' && name === chain.name) === true;
    if (chain.hook !== undefined || !isUnlisted) return draft;
    emptied.add(`${file} ${chain.name}`);
    const message = `the chain ${chain.name} of the table ${table.name} is not listed: it is taken to be empty`;
    notes.push({ file, line, column: unsupported[0].word.column, message });
    return { ...draft, rules: draft.rules.slice(1) };
  });
  return notes.length === 0 ? { table, notes } : { table: finishedTable(table, chains, ''), notes };
}

const isHidden = ({ part, name }: UnsupportedPart): boolean => part === 'hidden' && name === HIDDEN_DEVICES;

function withDevices(table: Table, guesses: ReadonlyMap<Rule, string>): Table {
  const chains = table.chains.map((chain): Chain => {
    return { ...chain, rules: chain.rules.map((rule) => withDevice(rule, guesses.get(rule))) };
  });
  return { ...table, chains, rules: chains.flatMap(({ rules }) => rules) };
}

/** What is said of interfaces that stay hidden. */
const NOT_GUESSED =
  'the interfaces (-i, -o), which a listing without -v does not show, could not be guessed: use iptables -L -v -n';

function withDevice(rule: Rule, words: string | undefined): Rule {
  if (rule.unsupported?.some(isHidden) !== true) return rule;
  if (words === undefined) {
    const named = rule.unsupported.map((part) => (isHidden(part) ? { ...part, message: NOT_GUESSED } : part));
    return { ...rule, unsupported: named };
  }
  const left = rule.unsupported.filter((part) => !isHidden(part));
  const unsupported = left.length === 0 ? undefined : left;
  const base = { ...rule.base, inDev: deviceIn(words, '-i'), outDev: deviceIn(words, '-o') };
  return { ...rule, base, unsupported };
}

function deviceIn(words: string, option: '-i' | '-o'): DeviceMatch | undefined {
  const [, not, name] = new RegExp(`(! )?${option} (\\S+)`).exec(words) ?? [];
  return name === undefined ? undefined : { name, negated: not !== undefined };
}

/** What is said about GUESSES: a note for each rule with interfaces, and one for all others of a file. */
function notesOn(guesses: ReadonlyMap<Rule, string>): RulesetWarning[] {
  const notes: RulesetWarning[] = [];
  const without = new Map<string, number[]>();
  for (const [rule, words] of guesses) {
    const part = rule.unsupported?.find(isHidden);
    if (part === undefined) continue;
    const { file, line } = rule;
    if (words === '') without.set(file, [...(without.get(file) ?? []), line]);
    else notes.push({ file, line, column: part.word.column, message: `guessed: ${words}` });
  }
  for (const [file, lines] of without) {
    const sorted = lines.sort((a, b) => a - b);
    const message = `guessed: no interfaces (${formatLines(sorted)})`;
    notes.push({ file, line: sorted[0], column: 1, message });
  }
  const files = [...new Set(notes.map(({ file }) => file))];
  return notes.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}

/** What is not known of the rules of TABLES, each with its place. */
function unknownIn(tables: readonly Table[]): Set<string> {
  const rules = tables.flatMap((table) => table.rules);
  return new Set(
    rules.flatMap(({ file, unsupported = [] }) =>
      unsupported.map(({ word, message }) => keyOf(file, word.line, message)),
    ),
  );
}

const keyOf = (file: string, line: number, message: string): string => `${line} ${file} ${message}`;

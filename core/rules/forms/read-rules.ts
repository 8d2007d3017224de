/**
 * Reads rules in the forms that people have them in: iptables-save text, what `iptables -S` and `iptables -L` print,
 * and what a terminal showed of several such commands. iptables-save text alone is read as `parseRuleset` does.
 */
import type { TableName } from '../../hooks.js';
import { type ListingOptions, parseListing } from '../listing/parse-listing.js';
import type { Ruleset, RulesetWarning } from '../model.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import { missingRules } from '../parse/missing-rules.js';
import { RulesetReader } from '../parse/ruleset-reader.js';
import { refuseUnreadable, type Shape } from './quoted.js';
import { readRuleList } from './rule-list.js';
import { isScript, readScript } from './script.js';
import { type OutputForm, type Section, type Sections, sectionsOf } from './sections.js';
import { unwrapped } from './wrapping.js';

/** A text of rules, and the name of its file. */
export interface RulesSource {
  readonly text: string;
  readonly file: string;
  /** The table that it is of, if that is known. */
  readonly table?: TableName;
}

/** `table` is that of each source. */
export type RulesOptions = Omit<ListingOptions, 'table'>;

/**
 * Reads SOURCE. Rules and notes have the lines of its text.
 * @throws {RulesetError} at the first error, or with all that is not supported if there is no other
 */
export function readRules({ text: given, file, table }: RulesSource, options: RulesOptions = {}): Ruleset {
  const { text, warnings } = unwrapped(given);
  const source = { text, file, ...(table && { table }) };
  try {
    const ruleset = readForm(source, options);
    const stray = table && ruleset.tables.find(({ name }) => name !== table);
    if (stray === undefined) return { ...ruleset, warnings: [...warnings, ...ruleset.warnings] };
    const word = { text: stray.name, line: 1, column: 1 };
    throw new RuleFault(word, `the file has the table ${stray.name}`, `only the table ${table}, as ${table}=FILE says`);
  } catch (error) {
    throw error instanceof RuleFault ? new RulesetError(file, error) : error;
  }
}

/** What SOURCE, which was read, is if not what iptables-save prints; undefined if it is that. */
export function foreignForm({ text }: RulesSource): string | undefined {
  const plain = unwrapped(text);
  switch (formOf(plain.text)) {
    case 'iptables-save':
      return plain.warnings.length === 0 ? undefined : 'text as Windows writes it';
    case 'iptables -L':
      return 'a listing (iptables -L)';
    case 'iptables -S':
      return 'the output of iptables -S';
    case 'script':
      return 'a script of commands';
    default:
      return 'what a terminal showed';
  }
}

/** Whether SOURCE is of tables that were listed one by one (-L, -S): what is not there may be on the host. */
export function listsSomeTables({ text, table }: RulesSource): boolean {
  const plain = unwrapped(text).text;
  if (formOf(plain) === 'script') return false;
  const rest = withoutTables(plain);
  return table !== undefined || (rest === plain && (RULE_LIST.test(rest) || LISTING.test(rest)));
}

const RULE_LIST = /^-[PNA] \S/m;
const LISTING = /^[ \t]*Chain \S+ \((?:policy \S|-?\d+ reference)/m;
/** iptables as a command behind a prompt. */
const TYPED = /^.{0,120}[#$%>❯] (?:sudo )?[\w/.-]{0,80}ip6?tables/m;

/** What TEXT is: one form of output, or several. What is none of them is left to who reads iptables-save text. */
function formOf(text: string): OutputForm | 'several' | 'script' {
  if (text.startsWith('#!') && isScript(text)) return 'script';
  const rest = withoutTables(text);
  const isList = RULE_LIST.test(rest);
  if (LISTING.test(rest)) return isList || rest !== text ? 'several' : 'iptables -L';
  if (!isList && rest === text && isScript(text)) return 'script';
  if (TYPED.test(rest)) return 'several';
  return isList ? (rest === text ? 'iptables -S' : 'several') : 'iptables-save';
}

/** TEXT without the tables in it that are as in iptables-save text. */
function withoutTables(text: string): string {
  const [start, end] = [/^\*/gm, /^COMMIT$/gm];
  let rest = '';
  for (let at = 0; ; at = start.lastIndex = end.lastIndex) {
    const from = start.exec(text)?.index;
    end.lastIndex = from ?? text.length;
    if (from === undefined || !end.test(text)) return rest + text.slice(at);
    rest += text.slice(at, from);
  }
}

const SHAPES: Readonly<Record<ReturnType<typeof formOf>, Shape>> = {
  script: 'script',
  several: 'outputs',
  'iptables -L': 'outputs',
  'iptables -S': 'one output',
  'iptables-save': 'one output',
};

function readForm(source: RulesSource, options: RulesOptions): Ruleset {
  const { text, file, table } = source;
  const form = formOf(text);
  refuseUnreadable(text, SHAPES[form], options.family);
  if (form === 'script') return readScript(text, file, options);
  if (form === 'iptables-save') {
    const reader = new RulesetReader(text, file, options);
    reader.readAll();
    return reader.finish();
  }
  if (form !== 'iptables -L') return readOutputs(source, sectionsOf(text.split('\n')), options);
  const ruleset = parseListing(text, file, { ...options, ...(table && { table }) });
  return { ...ruleset, warnings: [...notesIn(text), ...ruleset.warnings] };
}

function readOutputs(source: RulesSource, { sections, notes }: Sections, options: RulesOptions): Ruleset {
  const family = options.family ?? sections.find((section) => section.family !== undefined)?.family ?? 'ipv4';
  const own = sections.filter((section) => (section.family ?? family) === family);
  const other = sections.find((section) => !own.includes(section));
  const reader = new RulesetReader(source.text, source.file, { ...options, family });
  reader.isEachOnce = true;
  if (other !== undefined) {
    const what = `the output of ${other.family === 'ipv6' ? 'ip6tables' : 'iptables'}`;
    if (own.length === 0) throw new RuleFault(other.start, `${what}, which is not supported here`, '', 'unsupported');
    reader.warnings.push({ line: other.start.line, column: 1, message: `${what} is left out` });
  }
  for (const { text, line } of notes) reader.warnings.push({ line, column: 1, message: missingRules(text) ?? text });
  for (const section of own) readSection(section, reader, source.table ?? section.table);
  const ruleset = reader.finish();
  const listings = own.filter(({ form }) => form === 'iptables -L');
  if (listings.length === 0) return ruleset;
  return joined(ruleset, parseListing(onlyListings(source.text, sections, own), source.file, { ...options, family }));
}

function readSection(section: Section, reader: RulesetReader, table: TableName | undefined): void {
  if (section.form === 'iptables -S') readRuleList(section, reader, table);
  else if (section.form === 'iptables-save') for (const { text, line } of section.lines) reader.readLine(text, line);
}

/** TEXT with empty lines in place of SECTIONS, but for the listings among OWN. */
function onlyListings(text: string, sections: readonly Section[], own: readonly Section[]): string {
  const lines = text.split('\n');
  for (const section of sections) {
    if (section.form === 'iptables -L' && own.includes(section)) continue;
    for (const { line } of section.lines) lines[line - 1] = '';
  }
  return lines.join('\n');
}

/** The tables of two parts of a text. */
function joined(a: Ruleset, b: Ruleset): Ruleset {
  const twice = b.tables.find(({ name }) => a.tables.some((table) => table.name === name));
  if (twice !== undefined) {
    const word = { text: twice.name, line: twice.chains[0].line, column: 1 };
    throw new RuleFault(word, `the table ${twice.name} is here a second time`, 'each table once');
  }
  return { ...a, tables: [...a.tables, ...b.tables], warnings: [...a.warnings, ...b.warnings] };
}

/** Warnings about the lines of TEXT in which iptables says that it does not show all rules. */
function notesIn(text: string): RulesetWarning[] {
  return text.split('\n').flatMap((line, index) => {
    const message = missingRules(line);
    return message === undefined ? [] : [{ line: index + 1, column: 1, message }];
  });
}

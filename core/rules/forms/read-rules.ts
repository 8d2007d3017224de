/**
 * Reads rules in the forms that people have them in: iptables-save text, the output of `iptables -S`, and what a
 * terminal showed of several such commands. iptables-save text alone is read as `parseRuleset` does.
 */
import type { TableName } from '../../hooks.js';
import type { Ruleset, RulesetWarning } from '../model.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import { missingRules } from '../parse/missing-rules.js';
import { type ParseOptions, RulesetReader } from '../parse/ruleset-reader.js';
import { readRuleList } from './rule-list.js';
import { type Section, type Sections, sectionsOf } from './sections.js';
import { unwrapped } from './wrapping.js';

/** A text of rules, and the name of its file. */
export interface RulesSource {
  readonly text: string;
  readonly file: string;
  /** The table that it is of, if that is known. */
  readonly table?: TableName;
}

/**
 * Reads SOURCE. Rules and notes have the lines of its text.
 * @throws {RulesetError} at the first error, or with all that is not supported if there is no other
 */
export function readRules(source: RulesSource, options: ParseOptions = {}): Ruleset {
  const { file, table } = source;
  const { text, warnings } = unwrapped(source.text);
  try {
    const outputs = isSaved(text) ? undefined : sectionsOf(text.split('\n'));
    const family = options.family ?? outputs?.sections.find((section) => section.family !== undefined)?.family;
    const reader = new RulesetReader(text, file, { ...options, ...(family && { family }) });
    const assumed = outputs === undefined ? readSaved(reader) : readOutputs(outputs, reader, table);
    const ruleset = reader.finish();
    const stray = table && ruleset.tables.find(({ name }) => name !== table);
    if (stray !== undefined) {
      const word = { text: stray.name, line: 1, column: 1 };
      throw new RuleFault(
        word,
        `the file has the table ${stray.name}`,
        `only the table ${table}, as ${table}=FILE says`,
      );
    }
    return { ...ruleset, assumed, warnings: [...warnings, ...ruleset.warnings] };
  } catch (error) {
    throw error instanceof RuleFault ? new RulesetError(file, error) : error;
  }
}

/** Tables as in iptables-save text. */
const TABLES = /^\*[\s\S]*?^COMMIT$/gm;
/** What other outputs and prompts have. */
const OTHER_OUTPUT = /^(?:-[PNA] \S|Chain \S+ \(|.{0,120}[#$%>❯] (?:sudo )?[\w/.-]{0,80}ip6?tables)/m;

/** What SOURCE, which was read, is besides what iptables-save prints; undefined: nothing else. */
export function foreignForm({ text }: RulesSource): string | undefined {
  const plain = unwrapped(text);
  if (!isSaved(plain.text)) {
    const forms = new Set(sectionsOf(plain.text.split('\n')).sections.map(({ form }) => form));
    const isOne = forms.size === 1 && !forms.has('iptables-save');
    return isOne ? `the output of ${[...forms][0]}` : 'what a terminal showed';
  }
  return plain.warnings.length === 0 ? undefined : 'text as Windows writes it';
}

/** Whether nothing in TEXT is known to be anything but iptables-save text. */
function isSaved(text: string): boolean {
  return !OTHER_OUTPUT.test(text.replace(TABLES, ''));
}

function readSaved(reader: RulesetReader): RulesetWarning[] {
  reader.readAll();
  return [];
}

/** Reads OUTPUTS; returns what is assumed. */
function readOutputs(
  { sections, notes }: Sections,
  reader: RulesetReader,
  given: TableName | undefined,
): RulesetWarning[] {
  reader.isEachOnce = true;
  const own = sections.filter(({ family = reader.family }) => family === reader.family);
  const other = sections.find((section) => !own.includes(section));
  if (other !== undefined) {
    const what = `the output of ${other.family === 'ipv6' ? 'ip6tables' : 'iptables'}`;
    if (own.length === 0) throw new RuleFault(other.start, `${what}, which is not supported here`, '', 'unsupported');
    reader.warnings.push({ line: other.start.line, column: 1, message: `${what} is left out` });
  }
  for (const { text, line } of notes) reader.warnings.push({ line, column: 1, message: missingRules(text) ?? text });
  return own.flatMap((section) => readSection(section, reader, given));
}

/** Reads SECTION; returns what is assumed. */
function readSection(section: Section, reader: RulesetReader, given: TableName | undefined): RulesetWarning[] {
  if (section.form === 'iptables -S') return readRuleList(section, reader, given ?? section.table);
  for (const { text, line } of section.lines) reader.readLine(text, line);
  return [];
}

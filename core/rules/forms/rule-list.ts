/** Reads what `iptables -S` prints of one table: the lines of a table as in iptables-save text, without its name. */
import { splitWords, type Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, TABLE_HOOKS, type TableName } from '../../hooks.js';
import type { RulesetWarning } from '../model.js';
import { RuleFault } from '../parse/error.js';
import { KNOWN_TARGETS } from '../parse/known-extensions.js';
import type { RulesetReader } from '../parse/ruleset-reader.js';
import type { TableDraft } from '../parse/table-draft.js';
import type { Section } from './sections.js';

/** The built-in chains that tell a table apart. Those of security are the same as those of filter. */
const BY_CHAINS: ReadonlyMap<string, TableName> = new Map([
  ['INPUT FORWARD OUTPUT', 'filter'],
  ['PREROUTING INPUT OUTPUT POSTROUTING', 'nat'],
  // Before Linux 2.6.36.
  ['PREROUTING OUTPUT POSTROUTING', 'nat'],
  ['PREROUTING INPUT FORWARD OUTPUT POSTROUTING', 'mangle'],
  ['PREROUTING OUTPUT', 'raw'],
]);

const VERDICTS: readonly string[] = ['ACCEPT', 'DROP', 'RETURN', 'QUEUE'];
const JUMPS: readonly string[] = ['-j', '-g', '--jump', '--goto'];

/**
 * Reads SECTION with READER, as the rules of GIVEN if something says their table. Returns what is assumed about chains
 * that it lacks. Throws a RuleFault.
 */
export function readRuleList(section: Section, reader: RulesetReader, given: TableName | undefined): RulesetWarning[] {
  const { start, lines } = section;
  const name = tableOf(section, given);
  const table = reader.open(name, start);
  const rules = lines.map(({ text, line }) => splitWords(text, line));
  const chains = new Set(rules.flatMap(([first, chain]) => (first && /^-[PN]$/.test(first.text) ? [chain.text] : [])));
  refuseUnlisted(name, chains, start);
  const assumed = declareMissing(table, chains, rules, reader);
  for (const { text, line } of lines) reader.readLine(text, line);
  reader.commit();
  return assumed;
}

function tableOf({ start, lines }: Section, given: TableName | undefined): TableName {
  const policies = lines.map(({ text, line }) => ({ name: /^-P (\S+)/.exec(text)?.[1], line }));
  if (given !== undefined) {
    const own = TABLE_HOOKS[given].map((hook): string => HOOK_NAMES[hook]);
    const stray = policies.find(({ name }) => name !== undefined && !own.includes(name));
    if (stray === undefined) return given;
    const word: Word = { text: stray.name!, line: stray.line, column: 4 };
    throw new RuleFault(word, `the table ${given} has no built-in chain ${stray.name}`, own.join(', '));
  }
  const listed = HOOK_NAMES.filter((hook) => policies.some(({ name }) => name === hook));
  const found = BY_CHAINS.get(listed.join(' '));
  if (found !== undefined) return found;
  const has = listed.length === 0 ? 'has no -P' : `has of the built-in chains only ${listed.join(', ')}`;
  const what = `nothing says which table these rules are of: the output of iptables -S ${has}`;
  throw new RuleFault(start, what, '--rules filter=FILE, or the whole output of iptables-save', 'unsupported');
}

/** Throws if rules of built-in chains are not known, as in the output of `iptables -S CHAIN`. */
function refuseUnlisted(table: TableName, chains: ReadonlySet<string>, start: Word): void {
  const missing = TABLE_HOOKS[table]
    .map((hook): string => HOOK_NAMES[hook])
    // Before Linux 2.6.36 nat had no INPUT.
    .filter((name) => !chains.has(name) && !(table === 'nat' && name === 'INPUT'));
  if (missing.length === 0) return;
  const what = `the output of iptables -S has not all chains of the table ${table}: ${missing.join(', ')} not shown`;
  throw new RuleFault(start, what, `the output of iptables -t ${table} -S without a chain`, 'unsupported');
}

/** Declares the chains that RULES name and that are not among CHAINS: the output was cut. They are taken for empty. */
function declareMissing(
  table: TableDraft,
  chains: ReadonlySet<string>,
  rules: readonly (readonly Word[])[],
  { family }: RulesetReader,
): RulesetWarning[] {
  const assumed = new Map<string, RulesetWarning>();
  for (const words of rules) {
    const target = words.find((_, i) => JUMPS.includes(words[i - 1]?.text ?? ''));
    const appended = words[0]?.text === '-A' ? words[1] : undefined;
    for (const name of [appended, target]) {
      if (name === undefined || chains.has(name.text) || assumed.has(name.text)) continue;
      if (name === target && (VERDICTS.includes(name.text) || KNOWN_TARGETS[family].has(name.text))) continue;
      const { line, column } = name;
      table.declare(`:${name.text} -`, line);
      const message =
        name === appended
          ? `the chain ${name.text} is not declared: a user chain of the table ${table.name} is assumed`
          : `the chain ${name.text} of the table ${table.name} is not listed: it is assumed to be empty`;
      assumed.set(name.text, { line, column, message });
    }
  }
  return [...assumed.values()];
}

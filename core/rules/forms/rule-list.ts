/** Reads what `iptables -S` prints of one table: the lines of a table as in iptables-save text, without its name. */
import { splitWords, type Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, TABLE_HOOKS, type TableName } from '../../hooks.js';
import { BY_CHAINS } from '../listing/listed-table.js';
import { unlistedChain } from '../listing/parse-listing.js';
import { RuleFault } from '../parse/error.js';
import { KNOWN_TARGETS } from '../parse/known-extensions.js';
import type { RulesetReader } from '../parse/ruleset-reader.js';
import type { TableDraft } from '../parse/table-draft.js';
import type { Section } from './sections.js';

const VERDICTS: readonly string[] = ['ACCEPT', 'DROP', 'RETURN', 'QUEUE'];
const JUMPS: readonly string[] = ['-j', '-g', '--jump', '--goto'];

/**
 * Reads SECTION with READER, as the rules of GIVEN if something says their table. What the rules of chains are that it
 * lacks is not supported, as in a listing. Throws a RuleFault.
 */
export function readRuleList(section: Section, reader: RulesetReader, given: TableName | undefined): void {
  const { start, lines } = section;
  const name = tableOf(section, given);
  const table = reader.open(name, start);
  const rules = lines.map(({ text, line }) => splitWords(text, line));
  const chains = new Set(rules.flatMap(([first, chain]) => (first && /^-[PN]$/.test(first.text) ? [chain.text] : [])));
  for (const hook of TABLE_HOOKS[name]) {
    const builtIn: string = HOOK_NAMES[hook];
    // Before Linux 2.6.36, nat had no INPUT.
    const isOld = name === 'nat' && builtIn === 'INPUT';
    if (!chains.has(builtIn) && !isOld) unlistedChain(table, { ...start, text: builtIn });
  }
  declareMissing(table, chains, rules, reader);
  for (const { text, line } of lines) reader.readLine(text, line);
  reader.commit();
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

/** Declares the chains that RULES name and that are not among CHAINS: the output was cut. */
function declareMissing(
  table: TableDraft,
  chains: ReadonlySet<string>,
  rules: readonly (readonly Word[])[],
  { family }: RulesetReader,
): void {
  const declared = new Set(chains);
  for (const words of rules) {
    const target = words.find((_, i) => JUMPS.includes(words[i - 1]?.text ?? ''));
    const appended = words[0]?.text === '-A' ? words[1] : undefined;
    const isTarget = target && (VERDICTS.includes(target.text) || KNOWN_TARGETS[family].has(target.text));
    for (const name of isTarget ? [appended] : [appended, target]) {
      if (name === undefined || declared.has(name.text)) continue;
      table.declareChain(name, { ...name, text: '-' });
      unlistedChain(table, name);
      declared.add(name.text);
    }
  }
}

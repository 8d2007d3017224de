/**
 * Rulesets through iptables -L and back: listed by the real tool, read here, loaded again from what is read, and listed
 * again. The two listings have the same words, counters aside. What a listing hides is said; if nothing is said to be
 * hidden, the real iptables-save prints the same rules.
 */
import { TABLE_NAMES, type TableName } from '../../../core/hooks.js';
import { parseListing } from '../../../core/rules/listing/parse-listing.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { RulesetError } from '../../../core/rules/parse/error.js';
import { saveRuleset } from '../../../core/rules/save.js';
import { Prng } from '../prng.js';
import type { RealTool } from './real-tool.js';

/** How iptables -L is called. */
const FLAGS: readonly (readonly string[])[] = [
  ['-v', '-n'],
  ['-v', '-n', '-x', '--line-numbers'],
  ['-v'],
  ['-v', '--line-numbers'],
  ['-n'],
  [],
  ['--line-numbers'],
];

export type ListingOutcome =
  /** The real tool does not take the ruleset. */
  | { readonly kind: 'refused' }
  /** Same: nothing was hidden. Said: something was. */
  | { readonly kind: 'same' | 'said'; readonly flags: string; readonly rules: number }
  | { readonly kind: 'different'; readonly flags: string; readonly difference: string };

/** What may be said of a listing that hides something. Anything else means that it was not understood. */
const HIDDEN = /a listing (?:without -v )?does not show |of the host is not known here/;

/** Compares the ruleset TEXT; SEED decides how it is listed. */
export function compareListing(tool: RealTool, text: string, seed: number): ListingOutcome {
  if (tool.load(text) !== undefined) return { kind: 'refused' };
  const saved = tool.save();
  const prng = new Prng(seed);
  const flags = prng.pick(FLAGS);
  const tables = TABLE_NAMES.filter((name) => text.includes(`*${name}`));
  const listTables = (): string => tables.map((table) => pasted(prng, tool, table, flags)).join('\n');
  const listing = listTables();
  const different = (difference: string): ListingOutcome => {
    return { kind: 'different', flags: flags.join(' '), difference };
  };
  const options = { family: tool.family, willRun: false };
  let isSaid = false;
  let ruleset: Ruleset;
  try {
    ruleset = parseListing(listing, 'listing', options);
  } catch (error) {
    if (!(error instanceof RulesetError)) throw error;
    const notRead = error.message.split('\n').filter((line) => !HIDDEN.test(line));
    if (error.code !== 'unsupported' || notRead.length > 0) return different(notRead.slice(0, 3).join('\n  '));
    isSaid = true;
    ruleset = parseListing(listing, 'listing', { ...options, lax: true });
  }
  const ours = saveRuleset(ruleset);
  const refusal = tool.load(ours);
  if (refusal !== undefined) return different(`what was read is refused: ${refusal}\n${ours}`);
  const again = tables.map((table) => tool.list(table, flags)).join('\n');
  const before = wordsOf(listing);
  const differing = firstDifference(before, wordsOf(again));
  if (differing !== undefined) return different(`listed differently:${differing}`);
  const rules = ruleset.tables.reduce((sum, table) => sum + table.rules.length, 0);
  if (isSaid) return { kind: 'said', flags: flags.join(' '), rules };
  const hidden = firstDifference(saved.split('\n'), tool.save().split('\n'));
  if (hidden !== undefined) return different(`nothing was said to be hidden, but saved differently:${hidden}`);
  return { kind: 'same', flags: flags.join(' '), rules };
}

/** The listing of TABLE as somebody might paste it, with what says which table it is. */
function pasted(prng: Prng, tool: RealTool, table: TableName, flags: readonly string[]): string {
  const program = tool.family === 'ipv4' ? 'iptables' : 'ip6tables';
  const command = `${program} -t ${table} -L ${flags.join(' ')}`;
  const heading = prng.pick([
    `[root@host ~]# ${command}`,
    `$ sudo ${command}`,
    `Table: ${table}`,
    `\n== ${table} table ==`,
  ]);
  return `${heading}\n${tool.list(table, flags)}`;
}

/** The words of each row and heading of a listing, without counters. */
function wordsOf(listing: string): string[] {
  const isRow = (line: string): boolean => /^(?:Chain |[\d ]|\S+ +(?:\S+ +)?(?:--|-f|!f) )/.test(line);
  return listing
    .split('\n')
    .filter((line) => isRow(line) && !/^ *(?:num|pkts|target)\b/.test(line) && line.trim() !== '')
    .map((line) =>
      line
        .replace(/\(policy (\S+) \d+\S* packets, .*\)/, '(policy $1)')
        .replace(/^(\d+ +)? *\d+[KMGT]? +\d+[KMGT]? (?=.* (?:--|-f|!f) )/, '$1')
        .replace(/line-\d+/g, 'line')
        .replace(/[ \0]+/g, ' ')
        .trim(),
    );
}

function firstDifference(before: readonly string[], after: readonly string[]): string | undefined {
  const at = before.findIndex((line, i) => line !== after[i]);
  const place = at >= 0 ? at : before.length;
  if (at < 0 && after.length === before.length) return undefined;
  return `\n    first: ${before[place] ?? 'nothing'}\n    then:  ${after[place] ?? 'nothing'}`;
}

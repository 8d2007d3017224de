/**
 * Rulesets through iptables -L and back: listed by the real tool, read here, loaded again from what is read, and listed
 * again. The two listings have the same words, counters aside. What a listing hides is said; if nothing is said to be
 * hidden, the real iptables-save prints the same rules.
 */
import { readFileSync } from 'node:fs';
import { DEFAULT_NAMES } from '../../../codecs/host/names.js';
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
  /** The real tool does not take the ruleset, or does not save all of it. */
  | { readonly kind: 'refused' }
  /** Same: nothing was hidden. Said: something was. */
  | { readonly kind: 'same' | 'said'; readonly flags: string; readonly rules: number }
  | { readonly kind: 'different'; readonly flags: string; readonly difference: string };

/** What may be said of a listing that hides something. Anything else means that it was not understood. */
const HIDDEN = /a listing (?:without -v )?does not show /;
/** What iptables-save loses, so that loading what it prints makes another rule. */
const UNSAVED = new RegExp(
  [
    // Codes of ICMP but for the first; an end before 1970-01-02; digits of rates; the prefix of all addresses.
    ...['icmp(?:v6)? ?!?type \\d+ codes ', 'until date (?:UTC|\\n|$)', 'rateest match .* bps ', '-pfx ::/0'],
    // Quotes; what iptables-restore does not take.
    ...[
      '--physdev-\\w+ \\S*["\\\\\']',
      ' 0b/s',
      'name {2}interval',
      'on {2}UTC',
      'fingerprint match (?:! )?(?:\\S*[ \\t"\\\\\']|\\n)',
      'rate-match',
      'recent: .*name: \\S+ (?!side: )',
    ],
    // What excludes everything; any interface.
    ...['!0:(?:255|65535|4294967295)\\b', ' !?\\+ '],
  ].join('|'),
);
/** Without -n, ip6tables lists it as any address. */
const ANYWHERE6 = / -[sd] ::\/\d/;
/** A rule with a line feed in it. */
const BROKEN = /^(?![-:*]|COMMIT|$)/m;
/** Matches of which a rule has several, but which are listed like one that tests all. */
const ADJACENT = / (-m (?:conntrack|iprange|devgroup|owner)) ((?:(?! -[mjg] ).)*?) \1 /g;

/** Compares the ruleset TEXT; SEED decides how it is listed. */
export function compareListing(tool: RealTool, text: string, seed: number): ListingOutcome {
  if (tool.load(text) !== undefined) return { kind: 'refused' };
  const saved = tool.save();
  const prng = new Prng(seed);
  const flags = prng.pick(FLAGS);
  const tables = TABLE_NAMES.filter((name) => saved.includes(`*${name}\n`));
  const listTables = (): string => tables.map((table) => pasted(prng, tool, table, flags)).join('\n');
  const listing = listTables();
  const different = (difference: string): ListingOutcome => {
    return { kind: 'different', flags: flags.join(' '), difference };
  };
  const isNumeric = flags.includes('-n');
  if (UNSAVED.test(listing) || BROKEN.test(saved) || (!isNumeric && ANYWHERE6.test(saved))) return { kind: 'refused' };
  const options = { family: tool.family, willRun: false, names: { ...DEFAULT_NAMES, users: USERS, groups: GROUPS } };
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
  const hidden = firstDifference(joined(saved), joined(tool.save()));
  if (hidden !== undefined) return different(`nothing was said to be hidden, but saved differently:${hidden}`);
  return { kind: 'same', flags: flags.join(' '), rules };
}

/** The users and groups of this machine. */
const [USERS, GROUPS] = ['/etc/passwd', '/etc/group'].map(
  (file) =>
    new Map(
      readFileSync(file, 'utf8')
        .split('\n')
        .map((line): [string, number] => [line.split(':')[0], Number(line.split(':')[2])]),
    ),
);

/** No test, which sctp and dccp save all the same. */
const ALL_PORTS = / --[sd]port 0:65535/g;

/** What SAVED says, line by line with its table, and with adjacent matches of a kind as one. */
function joined(saved: string): string[] {
  const tables = saved.split('*').flatMap((table) => {
    const [name, ...lines] = table.split('\n');
    // Not all tables without rules are there.
    const said = lines.filter((line) => /^(?:-A|:\S+ (?!ACCEPT))/.test(line));
    return [said.map((line) => `${name} ${line}`.replace(ADJACENT, ' $1 $2 ').replace(ALL_PORTS, ''))];
  });
  return tables.sort((a, b) => (a[0] < b[0] ? -1 : 1)).flat();
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

/** The tests of iptables' extensions (`extensions/*.t`), as rules to ask the real tools and us about. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../../../codecs/address.js';

export interface ExtensionCase {
  /** The file without its ending: libxt_tos. */
  readonly file: string;
  readonly line: number;
  readonly family: Family;
  readonly table: string;
  /** The chains that the rule is for. */
  readonly chains: readonly string[];
  readonly rule: string;
  /** Rules of the table filter that have to be there. */
  readonly before: readonly string[];
  /** Commands of a shell that have to be run since the case before. */
  readonly commands: readonly string[];
}

/** The families whose extensions a file is about, by the beginning of its name. */
const FAMILIES: readonly (readonly [prefix: string, families: readonly Family[]])[] = [
  ['libxt_', ['ipv4', 'ipv6']],
  ['libipt_', ['ipv4']],
  ['libip6t_', ['ipv6']],
  ['iptables', ['ipv4', 'ipv6']],
];

/** The cases of the files in FOLDER whose names contain one of PATTERNS, if there are any. */
export function readExtensionCases(folder: string, patterns: readonly string[]): ExtensionCase[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.t'));
  return files.sort().flatMap((name) => {
    const file = name.slice(0, -'.t'.length);
    if (patterns.length > 0 && !patterns.some((pattern) => file.includes(pattern))) return [];
    const families = FAMILIES.find(([prefix]) => file.startsWith(prefix))?.[1] ?? [];
    const text = readFileSync(join(folder, name), 'utf8');
    return families.flatMap((family) => casesOf(file, text, family));
  });
}

function casesOf(file: string, text: string, family: Family): ExtensionCase[] {
  const cases: ExtensionCase[] = [];
  let table = 'filter';
  let chains: string[] = [];
  let before: string[] = [];
  let commands: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const rest = line.slice(1).trim();
    if (line.startsWith('#') || line.trim() === '') continue;
    if (line.startsWith('*')) table = rest;
    else if (line.startsWith(':')) chains = rest.split(',');
    else if (line.startsWith('@')) commands.push(rest);
    else if (line.startsWith('%')) before = changed(before, rest);
    else {
      const rule = withoutSingleQuotes(line.split(';', 1)[0]);
      cases.push({ file, line: index + 1, family, table, chains, rule, before, commands });
      commands = [];
    }
  }
  return cases;
}

/** The rules BEFORE after the command `iptables -I …` or `iptables -D …`. */
function changed(before: readonly string[], command: string): string[] {
  const rule = command.replace(/^ip6?tables -[AID] /, '-A ');
  return / -D /.test(command) ? before.filter((one) => one !== rule) : [...before, rule];
}

/** The rules are written for a shell, files of rules have double quotes only. */
function withoutSingleQuotes(rule: string): string {
  return rule.replace(/'([^'"\\]*)'/g, '"$1"');
}

/** The file of rules that a case stands for, in CHAINS. */
export function extensionFile({ table, rule, before }: ExtensionCase, chains: readonly string[]): string {
  const rules = chains.map((chain) => `-A ${chain} ${rule}`);
  const own = table === 'filter' ? [...before, ...rules] : rules;
  const others = table === 'filter' || before.length === 0 ? [] : ['*filter', ...before, 'COMMIT'];
  return [...others, `*${table}`, ...own, 'COMMIT', ''].join('\n');
}

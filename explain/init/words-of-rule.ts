/** The words by which a claim names a rule: few, telling, and no other rule of the chain has them. */
import type { CountedDecider } from '../../codecs/expectation/expectation.js';
import type { TableName } from '../../core/hooks.js';
import type { Rule, Ruleset } from '../../core/rules/model.js';
import { hasWords, OPTION, savedWords } from '../expect/rule-words.js';
import { ruleText } from '../story/rule-words.js';

/** Options that tell most about a rule, the best first. */
const TELLING = [
  ...['--dport', '--dports', '--ports', '--ctstate', '--state', '--match-set', '--icmp-type', '--sport', '--sports'],
  ...['--to-destination', '--to-source', '--log-prefix', '--nflog-prefix', '-s', '-d', '-i', '-o', '-p'],
];

/** How a claim names a rule, and which rules of its chain have that name. */
export interface RuleName {
  readonly decider: CountedDecider;
  /** The rule itself; others too, if they say all that it says. */
  readonly rules: readonly Rule[];
}

/** How a claim names RULE, one of TABLE in RULESET. */
export function namedRule(rule: Rule, table: TableName, { tables }: Ruleset): RuleName {
  const { chain, number } = rule;
  const rules = tables.find(({ name }) => name === table)?.rules ?? [];
  const others = rules.filter((other) => other.chain === chain && other !== rule && other.number !== number);
  const isAlone = (words: string): boolean =>
    isWritable(words) && hasWords(rule, words) && !others.some((other) => hasWords(other, words));
  const candidates = candidatesOf(rule);
  const words = candidates.find((one) => isPlain(one) && isAlone(one)) ?? candidates.find(isAlone);
  if (words !== undefined) return { decider: { kind: 'words', table, chain, words }, rules: [rule] };
  // Another rule says the same, or more; or the rule has nothing that can be written plainly.
  const text = ruleText(rule);
  if (!isWritable(text)) return { decider: { kind: 'number', table, chain, number }, rules: [rule] };
  const decider = { kind: 'words', table, chain, words: text } as const;
  return { decider, rules: [rule, ...others.filter((other) => hasWords(other, text))] };
}

/** Words that need no quotes of their own, and that people read. */
function isPlain(words: string): boolean {
  return !words.includes('"') && words.length <= 100;
}

/** Words that a claim can quote without escapes. */
function isWritable(words: string): boolean {
  return words !== '' && words.trim() === words && !/[\\']|[^\x20-\x7e]/.test(words);
}

/** Runs of words of RULE, the most telling first. */
function candidatesOf(rule: Rule): string[] {
  const words = savedWords(rule);
  // An option with its values, and the `!` before it.
  const parts: string[][] = [];
  for (const [i, word] of words.entries()) {
    const isStart = word === '!' || (OPTION.test(word) && words[i - 1] !== '!');
    if (isStart || parts.length === 0) parts.push([]);
    parts.at(-1)!.push(word);
  }
  const rank = (part: readonly string[]): number => {
    const at = TELLING.indexOf(part[0] === '!' ? part[1] : part[0]);
    return at < 0 ? TELLING.indexOf('-s') - 0.5 : at;
  };
  const isTelling = (part: readonly string[]): boolean => !['-m', '--comment'].includes(part[0]);
  const isTarget = ([option]: readonly string[]): boolean => option === '-j' || option === '-g';
  const single = parts.filter((part) => isTelling(part) && !isTarget(part)).sort((a, b) => rank(a) - rank(b));
  const runs: string[] = [];
  for (let length = 2; length <= parts.length; length++)
    for (let at = 0; at + length <= parts.length; at++) {
      const run = parts.slice(at, at + length);
      // The name of a match alone tells nothing.
      if (isTelling(run[length - 1])) runs.push(run.flat().join(' '));
    }
  const texts = single.map((part) => part.join(' '));
  const targets = parts.filter(isTarget).map((part) => part.join(' '));
  return [...(rule.comment === undefined ? [] : [rule.comment]), ...texts, ...runs, ...targets];
}

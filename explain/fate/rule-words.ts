/** Rules and commands about them as the words that one types. */
import { splitWords } from '../../codecs/iptables-save.js';
import { protocolName } from '../../codecs/protocol-names.js';
import type { FailedTest } from '../../core/events.js';
import { formatField } from '../../core/fields.js';
import type { Rule } from '../../core/rules/model.js';
import { saveRule } from '../../core/rules/save.js';

/** The words of RULE behind `-A chain`. */
export function wordsOf(rule: Rule): string[] {
  return splitWords(saveRule(rule), 1).map(({ text }) => text);
}

/** A rule with one condition amended. */
export interface Amended {
  readonly words: readonly string[];
  /** `--dport 8081 instead of 8080`. */
  readonly difference: string;
  /** What it named before: `--dport 8080`. */
  readonly former: string;
  /** It matches what it did before, and more. */
  readonly isAddition: boolean;
}

/** The options of a field; a value of the second kind is a list, to which one can be added. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  dport: ['--dport', '--destination-port'],
  sport: ['--sport', '--source-port'],
  source: ['-s'],
  destination: ['-d'],
  inDev: ['-i'],
  outDev: ['-o'],
  protocol: ['-p'],
};
const LISTS: Readonly<Record<string, readonly string[]>> = {
  dport: ['--dports', '--ports'],
  sport: ['--sports', '--ports'],
};

/** RULE so that FAILURE would not fail; undefined if that takes more than another value of one option. */
export function amendedRule(rule: Rule, failure: FailedTest, interfaceNames: readonly string[]): Amended | undefined {
  const { field, value } = failure;
  if (field === undefined || value === undefined || OPTIONS[field] === undefined) return undefined;
  const words = wordsOf(rule);
  const isNegated = (at: number): boolean => words[at - 1] === '!';
  const own = field === 'protocol' ? protocolName(value) : formatField(field, value, interfaceNames);
  const at = words.findIndex((word, i) => OPTIONS[field].includes(word) && !isNegated(i));
  if (at >= 0) {
    const made = words.with(at + 1, own);
    // The match of a protocol has its name.
    const match =
      field === 'protocol' ? made.findIndex((word, i) => made[i - 1] === '-m' && word === words[at + 1]) : -1;
    return {
      words: match < 0 ? made : made.with(match, own),
      difference: `${words[at]} ${own} instead of ${words[at + 1]}`,
      former: `${words[at]} ${words[at + 1]}`,
      isAddition: false,
    };
  }
  const list = words.findIndex((word, i) => LISTS[field]?.includes(word) && !isNegated(i));
  if (list < 0) return undefined;
  const values = words[list + 1];
  return {
    words: words.with(list + 1, `${values},${own}`),
    difference: `${own} added to ${words[list]}`,
    former: `${words[list]} ${values}`,
    isAddition: true,
  };
}

/**
 * Replaces what rules say about whose they are. They are written as iptables-save prints them, whatever they were,
 * unless that reads back as something else.
 */
import type { NamesDescription } from '../../codecs/host/names.js';
import { quoteWord, splitWords } from '../../codecs/iptables-save.js';
import { exactForm } from '../../core/rules/exact-form.js';
import { readAllRules } from '../../core/rules/forms/merge.js';
import type { RulesSource } from '../../core/rules/forms/read-rules.js';
import type { Bridge } from '../../core/rules/guess/docker-guess.js';
import type { Guess } from '../../core/rules/guess/guess.js';
import { loadedCounters } from '../../core/rules/loaded-counters.js';
import type { Backend, Ruleset } from '../../core/rules/model.js';
import { saveRuleset } from '../../core/rules/save.js';
import type { Replacer } from './replacer.js';
import { replaceRuleWords } from './rule-words.js';

export interface RulesReading {
  readonly lax: boolean;
  readonly names: NamesDescription;
  readonly backend: Backend;
  readonly hostNames?: ReadonlyMap<string, readonly string[]>;
  readonly guess?: { readonly guess: Guess; readonly bridges: readonly Bridge[] };
}

/** NAMES replaced, which rules and ip(8) use in place of numbers. */
export function replaceHostNames(names: NamesDescription, replacer: Replacer): NamesDescription {
  const replaced = (numbers: ReadonlyMap<string, number>, kind: 'user' | 'group' | 'realm' | 'device group') =>
    new Map([...numbers].map(([name, number]) => [replacer.named(kind, name), number]));
  return {
    users: replaced(names.users, 'user'),
    groups: replaced(names.groups, 'group'),
    realms: replaced(names.realms, 'realm'),
    deviceGroups: replaced(names.deviceGroups, 'device group'),
  };
}

/** SOURCES as one ruleset, of which READING says how it is read. Throws as `readAllRules`. */
export function readShared(sources: readonly RulesSource[], reading: RulesReading): Ruleset {
  const { lax, names, backend, hostNames, guess } = reading;
  return readAllRules(sources, {
    ...{ lax, family: 'ipv4', names, backend },
    ...(hostNames && { hostNames }),
    ...(guess && { guess }),
  });
}

/** The replacement of SOURCES, with their counters if they COUNT. */
export function replaceRules(
  sources: readonly RulesSource[],
  reading: RulesReading,
  replacer: Replacer,
  counts: boolean,
): string {
  const ruleset = readShared(sources, reading);
  const text = saveRuleset(exactForm(ruleset), counts ? loadedCounters(ruleset, sources) : undefined);
  const chains = chainsOf(ruleset);
  return text
    .split('\n')
    .map((line) => replaceLine(line, replacer, chains))
    .join('\n');
}

/** TEXT, replaced rules, in the order that iptables-save prints with the new names. */
export function inOrder(text: string, reading: RulesReading, replacer: Replacer, counts: boolean): string {
  const { lax, backend, names } = reading;
  const sources = [{ text, file: 'the shared rules' }];
  const ruleset = readShared(sources, { lax, backend, names: replaceHostNames(names, replacer) });
  return saveRuleset(exactForm(ruleset), counts ? loadedCounters(ruleset, sources) : undefined);
}

export function chainsOf({ tables }: Ruleset): Set<string> {
  return new Set(tables.flatMap(({ chains }) => chains.map(({ name }) => name)));
}

const CHAIN = /^:(\S+)( .*)$/;
const COUNTED = /^(\[\d+:\d+\] )?(-A .*)$/s;

function replaceLine(line: string, replacer: Replacer, chains: ReadonlySet<string>): string {
  const chain = CHAIN.exec(line);
  if (chain !== null) return `:${replacer.named('chain', chain[1])}${chain[2]}`;
  const [, counts = '', rule] = COUNTED.exec(line) ?? [];
  if (rule === undefined) return line;
  const words = splitWords(rule, 1).map(({ text }) => text);
  return counts + replaceRuleWords(words, replacer, chains).map(asWord).join(' ');
}

const asWord = (word: string): string => (word === '!' || /^[-_.:,/+=\w]+$/.test(word) ? word : quoteWord(word));

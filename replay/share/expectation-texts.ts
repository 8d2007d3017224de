/** Replaces what expect.yaml says about whose it is. Comments are left out. */

import { parseAddress } from '../../codecs/address.js';
import { rewriteExpectation } from '../../codecs/expectation/rewrite-expectation.js';
import { quoteWord, splitWords } from '../../codecs/iptables-save.js';
import { wordsOf } from '../../codecs/sentence/words.js';
import { replaceAllAddressesIn } from './addresses-in-text.js';
import type { Replacer } from './replacer.js';
import { replaceRuleWords } from './rule-words.js';

export interface ExpectationContext {
  readonly chains: ReadonlySet<string>;
  /** The comments of all rules. */
  readonly comments: readonly string[];
}

/** The replacement of TEXT, the content of FILE. */
export function replaceExpectation(
  text: string,
  file: string,
  replacer: Replacer,
  context: ExpectationContext,
): string {
  return rewriteExpectation(text, file, {
    name: (name) => replacer.named('name', name),
    address: (address) => replaceAllAddressesIn(address, replacer),
    sentence: (sentence) => replaceSentence(sentence, replacer),
    claim: (claim) => replacer.named('claim', claim.trim()),
    decider: (decider) => replaceDecider(decider, replacer, context),
    comment: () => undefined,
  });
}

/** The replacement of TEXT: `[[in] IFACE|local] PROTOCOL END > END`, and what else is known. */
function replaceSentence(text: string, replacer: Replacer): string {
  const words = wordsOf(text);
  const arrow = words.findIndex(({ isArrow }) => isArrow);
  const isEnd = (at: number): boolean => arrow >= 0 && (at === arrow - 1 || at === arrow + 1);
  const isInterface = (at: number): boolean => {
    const before = words[at - 1]?.text;
    if (before === 'in' || before === 'out') return true;
    // The first word, unless it is the protocol, which stands right before the source.
    const hasHead = arrow >= 0 ? arrow > 2 : words.length > 1 && isInterfaceFirst(words.map((word) => word.text));
    return at === 0 && hasHead && !['in', 'local'].includes(words[0].text);
  };
  return words
    .map((word, at) => {
      const { text: word_, isNegated } = word;
      const replaced = isEnd(at)
        ? replaceEnd(word_, replacer)
        : isInterface(at)
          ? replacer.iface(word_)
          : replaceAllAddressesIn(word_, replacer);
      return (isNegated ? '!' : '') + replaced;
    })
    .join(' ');
}

const PROTOCOLS = /^(?:ip|all|tcp|udp|icmp|sctp|dccp|udplite|gre|esp|ah|\d{1,3})$/i;

/** Whether a sentence without ends begins with an interface: its protocol is the second word. */
function isInterfaceFirst([first, second]: readonly string[]): boolean {
  return !PROTOCOLS.test(first) && PROTOCOLS.test(second);
}

/** `ADDRESS[/LENGTH]` or a name, and perhaps ports behind it. */
function replaceEnd(text: string, replacer: Replacer): string {
  if (text.startsWith('[') || text.startsWith('*')) return replaceAllAddressesIn(text, replacer);
  const [name] = text.split(':', 1);
  if (parseAddress(name.replace(/\/.*$/, '')) !== undefined) return replaceAllAddressesIn(text, replacer);
  return replacer.named('name', name) + text.slice(name.length);
}

const DECIDER = /^(\s*\S+\s+)(\S+)(.*)$/s;
const QUOTED = /^(\s+)("(?:[^"\\]|\\.)*"|'[^']*')(\s*)$/s;

/** `TABLE CHAIN "WORDS"`, `TABLE CHAIN 3`, … */
function replaceDecider(text: string, replacer: Replacer, context: ExpectationContext): string {
  const [, table, chain, rest] = DECIDER.exec(text) ?? [];
  if (table === undefined) return text;
  const [, gap, quoted, end] = QUOTED.exec(rest) ?? [];
  const replaced = table + replacer.named('chain', chain);
  if (quoted === undefined) return replaced + rest;
  const words = quoted.startsWith('"') ? quoted.slice(1, -1).replace(/\\(.)/gs, '$1') : quoted.slice(1, -1);
  return `${replaced}${gap}"${replaceWords(words, replacer, context).replace(/["\\]/g, '\\$&')}"${end}`;
}

/** Words of a rule as it is saved, or a part of its comment. */
function replaceWords(text: string, replacer: Replacer, { chains, comments }: ExpectationContext): string {
  const commented = comments.filter((comment) => comment.includes(text));
  if (commented.length === 1) return replacer.named('comment', commented[0]);
  if (commented.length > 1) replacer.keeps(`"${text}" in expect.yaml: it is in several comments`);
  return replaceRuleWords(
    splitWords(text, 1).map((word) => word.text),
    replacer,
    chains,
  )
    .map((word) => (/^[-_.:,/+=!\w]+$/.test(word) ? word : quoteWord(word)))
    .join(' ');
}

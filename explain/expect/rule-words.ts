/** Rules by words of them, as claims name them: `filter DOCKER "--dport 6379"`. */
import type { Rule } from '../../core/rules/model.js';
import { ruleText } from '../story/rule-words.js';

/** A word of a saved rule, which may have blanks within double quotes. */
const WORD = /(?:"(?:[^"\\]|\\.)*"|\S)+/g;
export const OPTION = /^--?[a-zA-Z]/;
const NEGATION = '!';

/**
 * Whether WORDS are whole words of RULE, one after the other as it is saved (`iptables-save`, behind the chain), or
 * stand in its comment. What is negated there (`! -s 10.0.0.0/8`) is meant only with its `!`; words that begin with an
 * option, or with `!`, are not looked for in the comment.
 */
export function hasWords(rule: Rule, words: string): boolean {
  const wanted = wordsOf(words);
  const saved = savedWords(rule);
  if (placesOf(wanted, saved).some((at) => !isNegated(saved, at))) return true;
  return !isOption(wanted[0]) && hasInComment(rule, words);
}

/** Why WORDS, which RULE has, do not count: it has a `!` before them, or has them only in its comment. */
export function nearlyHasWords(rule: Rule, words: string): 'negated' | 'comment' | undefined {
  if (placesOf(wordsOf(words), savedWords(rule)).length > 0) return 'negated';
  return hasInComment(rule, words) ? 'comment' : undefined;
}

/** Where in SAVED the words of WANTED begin. */
function placesOf(wanted: readonly string[], saved: readonly string[]): number[] {
  return [...saved.keys()].filter((at) => wanted.every((word, i) => saved[at + i] === word));
}

/** Whether the word of SAVED at AT belongs to an option with a `!`, which stands before that word. */
function isNegated(saved: readonly string[], at: number): boolean {
  if (saved[at] === NEGATION) return false;
  const option = saved.findLastIndex((word, i) => i <= at && OPTION.test(word));
  return option > 0 && saved[option - 1] === NEGATION;
}

function hasInComment({ comment }: Rule, words: string): boolean {
  return comment?.includes(words) === true;
}

function isOption(word: string): boolean {
  return word === NEGATION || OPTION.test(word);
}

/** The words of RULE as it is saved, behind the chain. */
export function savedWords(rule: Rule): string[] {
  return wordsOf(ruleText(rule));
}

function wordsOf(text: string): string[] {
  return text.match(WORD) ?? [];
}

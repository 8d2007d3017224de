/** Rules by words of them, as claims name them: `filter DOCKER "--dport 6379"`. */
import type { Rule } from '../../core/rules/model.js';
import { ruleText } from '../story/rule-words.js';

/** A word of a saved rule, which may have blanks within double quotes. */
const WORD = /(?:"(?:[^"\\]|\\.)*"|[^\s"])+/g;

/**
 * Whether WORDS are whole words of RULE, one after the other as it is saved (`iptables-save`, behind the chain), or
 * stand in its comment.
 */
export function hasWords(rule: Rule, words: string): boolean {
  if (rule.comment?.includes(words)) return true;
  const wanted = wordsOf(words);
  const saved = wordsOf(ruleText(rule));
  return saved.some((_, at) => wanted.every((word, i) => saved[at + i] === word));
}

function wordsOf(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** The words of a rule in iptables-save text, within iptables-restore's limits. */
import { MAX_WORD_BYTES, splitWords, type Word } from '../../../codecs/iptables-save.js';
import { isLongerThan } from '../../../codecs/text.js';
import { RuleFault } from './error.js';

/** The words of a rule's LINE, without its counters. END is what follows the line. */
export function wordsOf(line: string, end: string, start: Word): Word[] {
  if (!line.startsWith('[')) return checkWords(splitWords(line, start.line, 0, end));
  const { from, to } = skipCounters(line, end, start);
  return checkWords(splitWords(line.slice(0, to), start.line, from, to < line.length ? '' : end));
}

/** The most words of a rule, and what they are kept with: the program's name, -t and the table. */
const MAX_WORDS = 251;

function checkWords(words: Word[]): Word[] {
  if (words.length > MAX_WORDS) {
    throw new RuleFault(words[MAX_WORDS], 'too many words in a rule', `at most ${MAX_WORDS}, as in iptables-restore`);
  }
  for (const word of words) {
    if (isLongerThan(word.text, MAX_WORD_BYTES)) {
      throw new RuleFault(word, 'the word is too long', `at most ${MAX_WORD_BYTES} bytes, as in iptables-restore`);
    }
  }
  return words;
}

/**
 * Where the rule after the `[packets:bytes]` of LINE starts and ends. As in iptables-restore, which uses strtok, the
 * first colon ends the packets and the next bracket the bytes even if they are behind the first bracket. They end the
 * rule then.
 */
function skipCounters(line: string, end: string, start: Word): { from: number; to: number } {
  const bracket = line.indexOf(']');
  let at = 1;
  while (line[at] === ':') at++;
  const colon = line.indexOf(':', at);
  let bytes = colon + 1;
  while (line[bytes] === ']') bytes++;
  if (bracket < 0 || colon < 0 || (bytes >= line.length && end === '')) {
    const counters = { ...start, text: line.split(/[ \t]/, 1)[0] };
    throw new RuleFault(counters, 'bad counters', '[packets:bytes]');
  }
  const close = line.indexOf(']', bytes);
  if (colon > bracket) return { from: bracket + 1, to: colon };
  return { from: bracket + 1, to: close > bracket ? close : line.length };
}

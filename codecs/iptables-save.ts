/**
 * Splits iptables-save text into words, as iptables-restore does (add_param_to_argv): words are separated by blanks. A
 * double quote may open anywhere in a word; the closing quote also ends the word. Within quotes, a backslash escapes
 * the next character.
 */
import { rejoined } from './text.js';

export interface Word {
  readonly text: string;
  /** Both from 1. The column counts characters. */
  readonly line: number;
  readonly column: number;
}

export interface UnclosedQuote {
  readonly unclosedAt: number;
}

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;

/** The words of LINE from character FROM (from 0) on, or the column of an unclosed quote. */
export function splitWords(line: string, lineNumber: number, from = 0): Word[] | UnclosedQuote {
  const words: Word[] = [];
  for (let at = from; at < line.length; ) {
    const first = line.charCodeAt(at);
    if (first === SPACE || first === TAB) {
      at++;
      continue;
    }
    let end = at;
    let char = first;
    while (char !== SPACE && char !== TAB && char !== QUOTE && ++end < line.length) char = line.charCodeAt(end);
    let text = line.slice(at, end);
    if (char === QUOTE) {
      const quoteAt = end;
      for (end++; end < line.length && line.charCodeAt(end) !== QUOTE; end++) {
        if (line[end] === '\\' && end + 1 < line.length) end++;
        text += line[end];
      }
      if (end >= line.length) return { unclosedAt: quoteAt + 1 };
      end++;
      text = rejoined(text);
    }
    words.push({ text, line: lineNumber, column: at + 1 });
    at = end;
  }
  return words;
}

const PLAIN = /^[-_0-9A-Za-z]+$/;

/** TEXT as iptables-save quotes it (xtables_save_string). */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/["\\']/g, '\\$&')}"`;
}

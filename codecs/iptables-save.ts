/**
 * The lines and words of iptables-save text, as iptables-restore reads them: lines into a buffer of 10,239 bytes
 * (fgets), words separated by blanks (add_param_to_argv). A NUL byte ends its line. A double quote may open anywhere in
 * a word; the closing quote also ends the word. Within quotes, a backslash escapes the next character.
 */
import { decodeText, encodeText, isLongerThan, rejoined } from './text.js';

export interface Word {
  readonly text: string;
  /** Both from 1. The column counts characters. */
  readonly line: number;
  readonly column: number;
}

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
/** The longest line, with its line feed, and the longest word, in bytes. */
export const MAX_LINE_BYTES = 10_239;
export const MAX_WORD_BYTES = 1023;

/**
 * The pieces that iptables-restore reads LINE in: LINE itself, unless it has over 10,239 bytes. LINE has no line feed;
 * of the pieces, the last one has none.
 */
export function piecesOf(line: string): string[] {
  if (!isLongerThan(line, MAX_LINE_BYTES - 1)) return [line];
  const bytes = encodeText(line);
  const pieces: string[] = [];
  for (let at = 0; at <= bytes.length; at += MAX_LINE_BYTES) {
    pieces.push(decodeText(bytes.subarray(at, at + MAX_LINE_BYTES)));
  }
  return pieces;
}

/**
 * The words of LINE from character FROM (from 0) on. END is what follows the line: a line feed, or nothing. A quote
 * that is not closed goes on to the end of the line and includes END.
 */
export function splitWords(line: string, lineNumber: number, from = 0, end = '\n'): Word[] {
  const words: Word[] = [];
  for (let at = from; at < line.length; ) {
    const first = line.charCodeAt(at);
    if (first === SPACE || first === TAB) {
      at++;
      continue;
    }
    let stop = at;
    let char = first;
    while (char !== SPACE && char !== TAB && char !== QUOTE && ++stop < line.length) char = line.charCodeAt(stop);
    let text = line.slice(at, stop);
    if (char === QUOTE) {
      for (stop++; stop < line.length && line.charCodeAt(stop) !== QUOTE; stop++) {
        if (line[stop] === '\\' && ++stop >= line.length) break;
        text += line[stop];
      }
      const isClosed = stop < line.length;
      if (!isClosed) text += end;
      text = rejoined(text);
      // Of a word that the end of the file cuts, iptables keeps what there is.
      if (!isClosed && text === '') break;
      stop++;
    }
    words.push({ text, line: lineNumber, column: at + 1 });
    at = stop;
  }
  return words;
}

/** The words of LINE behind its first character, as strtok finds them: separated by blanks, quotes mean nothing. */
export function tokensOf(line: string, number: number): Word[] {
  return [...line.slice(1).matchAll(/[^ \t]+/g)].map(
    (found): Word => ({ text: found[0], line: number, column: found.index + 2 }),
  );
}

const PLAIN = /^[-_0-9A-Za-z]+$/;

/** TEXT as iptables-save quotes it (xtables_save_string). */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/["\\']/g, '\\$&')}"`;
}

/** TEXT, which stands within quotes, without its escapes. */
export function withoutEscapes(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}

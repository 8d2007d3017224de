/**
 * The words of iptables-save text (add_param_to_argv of iptables-restore): separated by blanks. A double quote opens
 * anywhere in a word; the one that closes it also ends the word. Within quotes a backslash takes the next character as it
 * is.
 */

export interface Word {
  readonly text: string;
  /** Both from 1. The column counts characters. */
  readonly line: number;
  readonly column: number;
}

export interface UnclosedQuote {
  readonly unclosedAt: number;
}

/** The words of LINE, or the column of a quote that nothing closes. */
export function splitWords(line: string, lineNumber: number): Word[] | UnclosedQuote {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let quoteAt = -1;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (quoteAt >= 0) {
      if (char === '\\' && i + 1 < line.length) text += line[++i];
      else if (char === '"') {
        words.push({ text, line: lineNumber, column: start + 1 });
        text = '';
        start = -1;
        quoteAt = -1;
      } else text += char;
    } else if (char === '"') {
      quoteAt = i;
      if (start < 0) start = i;
    } else if (char === ' ' || char === '\t') {
      if (start >= 0) words.push({ text, line: lineNumber, column: start + 1 });
      text = '';
      start = -1;
    } else {
      if (start < 0) start = i;
      text += char;
    }
  }
  if (quoteAt >= 0) return { unclosedAt: quoteAt + 1 };
  if (start >= 0) words.push({ text, line: lineNumber, column: start + 1 });
  return words;
}

const PLAIN = /^[-_0-9A-Za-z]+$/;

/** TEXT as iptables-save quotes it (xtables_save_string). */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/["\\']/g, '\\$&')}"`;
}

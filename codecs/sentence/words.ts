/** The words of a sentence. Commas separate words like blanks. */
import { SentenceError } from './sentence-error.js';

export interface Word {
  readonly text: string;
  /** Where it starts, from 1. */
  readonly column: number;
  /** `>`, `->` or `→`. */
  readonly isArrow: boolean;
  /** It had a `!` before it, which `text` does not have. */
  readonly isNegated: boolean;
}

const WORD = /(->|[>→⟶])|(?:(?!->)[^\s,>→⟶])+/gu;

/** How reports name an address behind it: `172.17.0.3:80 (web)`. */
const REMARK = /^\(.*\)$/;

/** The words of TEXT. A `!` belongs to the word behind it. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let bang: number | undefined;
  for (const match of text.matchAll(WORD)) {
    const column = match.index + 1;
    if (REMARK.test(match[0])) continue;
    const isArrow = match[1] !== undefined;
    const rest = match[0].replace(/^!/, '');
    const isNegated = bang !== undefined || (!isArrow && rest !== match[0]);
    if (isArrow && isNegated) throw nothingNegated(bang ?? column);
    if (rest === '') bang = bang === undefined ? column : doubled(column);
    else {
      if (isNegated && rest.startsWith('!')) doubled(column);
      words.push({ text: rest, column: isNegated && bang === undefined ? column + 1 : column, isArrow, isNegated });
      bang = undefined;
    }
  }
  if (bang !== undefined) throw nothingNegated(bang);
  return words;
}

function nothingNegated(column: number): SentenceError {
  return new SentenceError(column, 'nothing behind "!"; expected an address, a name or an interface');
}

function doubled(column: number): never {
  throw new SentenceError(column, 'a second "!"');
}

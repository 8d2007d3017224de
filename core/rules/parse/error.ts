/** Errors in a ruleset, as data: position, token, and what was expected. */
import type { Word } from '../../../codecs/iptables-save.js';
import { shown } from '../../../codecs/text.js';

/** invalid: iptables-restore or the kernel would refuse it too. unsupported: valid, but not supported here. */
export type RulesetErrorCode = 'invalid' | 'unsupported';

/** An invalid ruleset. `message` is `file:line:column: problem`, ready to print. */
export class RulesetError extends Error {
  override readonly name = 'RulesetError';
  readonly file: string;
  /** Line and column start at 1. The column counts characters. */
  readonly line: number;
  readonly column: number;
  /** The token at this position. */
  readonly token: string;
  /** What could have been there instead. Empty if nothing could. */
  readonly expected: string;
  readonly code: RulesetErrorCode;

  constructor(file: string, fault: RuleFault) {
    const { line, column } = fault.word;
    super(`${shown(file)}:${line}:${column}: ${shown(fault.message)}`);
    this.file = file;
    this.line = line;
    this.column = column;
    this.token = fault.word.text;
    this.expected = fault.expected;
    this.code = fault.code;
  }
}

/** A problem with a word, thrown by parsing code that does not know the file name. */
export class RuleFault extends Error {
  readonly word: Word;
  readonly expected: string;
  readonly code: RulesetErrorCode;

  /** WHAT describes the problem, EXPECTED what could have been there instead. */
  constructor(word: Word, what: string, expected = '', code: RulesetErrorCode = 'invalid') {
    super(expected === '' ? what : `${what}; expected: ${expected}`);
    this.word = word;
    this.expected = expected;
    this.code = code;
  }
}

/** Longer texts are not a typo of any name and would be slow to compare. */
const LONGEST_NAME = 40;

/** Returns `did you mean …?` for the closest of NAMES to TEXT, or '' if none is close. */
export function nearest(text: string, names: Iterable<string>): string {
  if (text.length > LONGEST_NAME) return '';
  let best = '';
  let bestDistance = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    if (name.length > LONGEST_NAME) continue;
    const distance = editDistance(text, name, bestDistance);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best === '' ? '' : `did you mean ${best}?`;
}

/**
 * The number of insertions, deletions, replacements and swaps of adjacent characters from A to B; LIMIT or more if it
 * exceeds LIMIT.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}

/** What is wrong with a ruleset, as data: where, what stood there, and what was wanted. */
import type { Word } from '../../../codecs/iptables-save.js';

/** invalid: iptables-restore or the kernel would refuse it too. unsupported: it is fine, but not known here. */
export type RulesetErrorCode = 'invalid' | 'unsupported';

/** A faulty ruleset. `message` is `file:line:column: what is wrong`, ready to be shown. */
export class RulesetError extends Error {
  override readonly name = 'RulesetError';
  readonly file: string;
  /** Both from 1; the column counts characters. */
  readonly line: number;
  readonly column: number;
  /** What stood there. */
  readonly token: string;
  /** What could have stood there; empty where nothing could. */
  readonly wanted: string;
  readonly code: RulesetErrorCode;

  constructor(file: string, fault: RuleFault) {
    const { line, column } = fault.word;
    super(`${file}:${line}:${column}: ${fault.message}`);
    this.file = file;
    this.line = line;
    this.column = column;
    this.token = fault.word.text;
    this.wanted = fault.wanted;
    this.code = fault.code;
  }
}

/** A fault at a word, thrown while a rule is parsed by those who do not know the file's name. */
export class RuleFault extends Error {
  readonly word: Word;
  readonly wanted: string;
  readonly code: RulesetErrorCode;

  /** WHAT says what is wrong, WANTED what could have stood there. */
  constructor(word: Word, what: string, wanted = '', code: RulesetErrorCode = 'invalid') {
    super(wanted === '' ? what : `${what}; wanted: ${wanted}`);
    this.word = word;
    this.wanted = wanted;
    this.code = code;
  }
}

/** Longer texts than this are no slip of the pen of any name, and would take long to compare. */
const LONGEST_NAME = 40;

/** `did you mean …` for the one of NAMES that is nearest to TEXT, or nothing where none is near. */
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

/** Insertions, deletions, replacements and swaps of neighbours from A to B; LIMIT or more where it is that far. */
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

/** What stands behind a command in a shell and changes nothing about the rules: where output goes, and `|| true`. */

interface Suffix {
  /** Its last word, and what stands before that, perhaps with blanks between them. */
  readonly end: string;
  readonly operator: RegExp;
  /** The shell goes on if the command fails. */
  readonly mayFail: boolean;
}

const REDIRECTION = /[12&]?>>?$/;
const OR = /\|\|$/;
const SUFFIXES: readonly Suffix[] = [
  { end: '/dev/null', operator: REDIRECTION, mayFail: false },
  { end: '1', operator: /2>&$/, mayFail: false },
  { end: 'true', operator: OR, mayFail: true },
  { end: '/bin/true', operator: OR, mayFail: true },
  { end: ':', operator: OR, mayFail: true },
];
/** The longest operator, in characters. */
const OPERATOR_LENGTH = 3;

/** COMMAND without all such suffixes. */
export function withoutSuffixes(command: string): { command: string; mayFail: boolean } {
  let rest = trimmedEnd(command);
  let mayFail = false;
  for (let found = suffixOf(rest); found !== undefined; found = suffixOf(rest)) {
    rest = found.rest;
    mayFail ||= found.mayFail;
  }
  return { command: rest, mayFail };
}

/** The last suffix of COMMAND, and what is before it. */
function suffixOf(command: string): { rest: string; mayFail: boolean } | undefined {
  for (const { end, operator, mayFail } of SUFFIXES) {
    if (!command.endsWith(end)) continue;
    const before = trimmedEnd(command.slice(0, -end.length));
    const found = operator.exec(before.slice(-OPERATOR_LENGTH));
    if (found === null) continue;
    const kept = before.slice(0, before.length - found[0].length);
    const rest = trimmedEnd(kept);
    // Digits at the end of a word are no descriptor; || ends a word.
    if (rest !== kept || (mayFail && !/[\\|]$/.test(kept.slice(-1)))) return { rest, mayFail };
  }
  return undefined;
}

/** TEXT without blanks and continued lines at its end. An escaped blank is part of a word. */
function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0) {
    const char = text[end - 1];
    const isEscaped = isEscapedAt(text, end - 1);
    if (char === '\n' && isEscaped) end -= 2;
    else if ((char === ' ' || char === '\t') && !isEscaped) end--;
    else break;
  }
  return text.slice(0, end);
}

/** Whether an odd number of backslashes is before AT. */
function isEscapedAt(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first--;
  return (at - first) % 2 === 1;
}

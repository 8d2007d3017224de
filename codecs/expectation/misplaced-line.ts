/** Lines of expectations that begin in the wrong column, or lack a blank or colon: what people mistake most in YAML. */

import type { YamlFault } from '../yaml/yaml-problem.js';
import { ALL_MEMBERS } from './members.js';

const WORDS = [...ALL_MEMBERS, 'names', 'expect'].join('|');
const UNSPACED = new RegExp(`^( *(?:- +)?)(${WORDS}):[^\\s:]`);
const UNDIVIDED = new RegExp(`^( *(?:- +)?)(${WORDS})(?:\\s+[^\\s:]|$)`);
/** A member in a line of its own. */
const MEMBER = new RegExp(`^( *)(- +)?(${ALL_MEMBERS.join('|')})\\s*:(?:\\s|$)`);

/** Codes of the `yaml` package that such a line may lead to. */
const CODES: readonly string[] = [
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'TAB_AS_INDENT',
  'UNEXPECTED_TOKEN',
];

export interface MisplacedLine {
  readonly offset: number;
  readonly problem: string;
}

/** What is wrong with the line in TEXT at which FAULT is, or with the next one, if it is such a line. */
export function misplacedLine({ code, message, offset }: YamlFault, text: string): MisplacedLine | undefined {
  if (!CODES.includes(code) || /flow|closing/i.test(message)) return undefined;
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const next = nextLine(text, start);
  return problemAt(text, start) ?? (next === undefined ? undefined : problemAt(text, next));
}

const lineAt = (text: string, start: number): string => /[^\r\n]*/.exec(text.slice(start, lineEnd(text, start)))![0];

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

const IS_NOTHING = /^\s*(?:#|$)/;

/** Where the next line begins that says something. */
function nextLine(text: string, start: number): number | undefined {
  for (let at = lineEnd(text, start) + 1; at < text.length; at = lineEnd(text, at) + 1)
    if (!IS_NOTHING.test(lineAt(text, at))) return at;
  return undefined;
}

function problemAt(text: string, start: number): MisplacedLine | undefined {
  const line = lineAt(text, start);
  const blanks = /^ */.exec(line)![0].length;
  if (line[blanks] === '\t' && line.trim() !== '')
    return { offset: start + blanks, problem: 'a tab before the text; expected blanks' };
  for (const [form, problem] of [
    [UNSPACED, 'a blank is missing behind "NAME:"'],
    [UNDIVIDED, 'a colon and a blank are missing behind "NAME"'],
  ] as const) {
    const [, before, name] = form.exec(line) ?? [];
    if (name !== undefined) return { offset: start + before.length, problem: problem.replace('NAME', name) };
  }
  return outOfLine(text, start);
}

/** A member that does not begin where the one above it does, or a claim of which that is so. */
function outOfLine(text: string, start: number): MisplacedLine | undefined {
  const [, indent, dash, name] = MEMBER.exec(lineAt(text, start)) ?? [];
  if (name === undefined) return undefined;
  for (let end = start - 1; end > 0; ) {
    const above = text.lastIndexOf('\n', end - 1) + 1;
    const [, otherIndent, otherDash = '', otherName] = MEMBER.exec(lineAt(text, above)) ?? [];
    end = above - 1;
    if (otherName === undefined || (dash !== undefined && otherDash === '')) continue;
    const column = indent.length + 1;
    const wanted = otherIndent.length + 1 + (dash === undefined ? otherDash.length : 0);
    if (column === wanted) return undefined;
    const what = dash === undefined ? `"${name}"` : `"- ${name}"`;
    const other = dash === undefined ? `"${otherName}"` : `"- ${otherName}"`;
    return {
      offset: start + indent.length,
      problem:
        `${what} begins in column ${column}, but ${other} above it in column ${wanted}; both have to be ` + 'the same',
    };
  }
  return undefined;
}

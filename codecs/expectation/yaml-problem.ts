/** What is wrong with text that is not YAML, in words about the text and not about the language. */
import { shown } from '../text.js';

/** An error of the `yaml` package: its code, its words, and where in the text it is. */
export interface YamlFault {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

interface Explanation {
  readonly code: string;
  /** What stands in the line up to the fault, or behind it; undefined: anything. */
  readonly before?: RegExp;
  readonly behind?: RegExp;
  readonly message?: RegExp;
  readonly problem: string;
}

/** What stands in place of a text that begins with *. */
export const PROTOCOL_FIRST = 'a sentence begins with its protocol, as in "tcp * > 192.0.2.10:5432"';

const IN_QUOTES = 'in quotes, as in ">= 1 packet"';

const EXPLANATIONS: readonly Explanation[] = [
  {
    code: 'UNEXPECTED_TOKEN',
    before: /[:-] +[>|]\S* *$/,
    problem: `a text that begins with > or | has to be ${IN_QUOTES}`,
  },
  { code: 'UNEXPECTED_TOKEN', message: /header/, problem: `a text that begins with > or | has to be ${IN_QUOTES}` },
  { code: 'BAD_SCALAR_START', behind: /^[>|]/, problem: `a text that begins with > or | has to be ${IN_QUOTES}` },
  { code: 'BAD_SCALAR_START', problem: "a text that begins with %, @ or ` has to be in quotes, as in '@home'" },
  { code: 'BAD_ALIAS', problem: PROTOCOL_FIRST },
  {
    code: 'BLOCK_AS_IMPLICIT_KEY',
    behind: /^[^\n]*:(?:[ \n]|$)/,
    problem: "a text in which a blank follows a colon has to be in quotes, as in 'first: second'",
  },
  { code: 'BLOCK_AS_IMPLICIT_KEY', problem: 'the next line begins further to the left or right than it should' },
  {
    code: 'UNEXPECTED_TOKEN',
    message: /at node end/,
    problem: 'something is behind the end of the text; expected all of it in one pair of quotes',
  },
  {
    code: 'MULTILINE_IMPLICIT_KEY',
    problem: 'a member has no colon, or begins further to the right than the one above it',
  },
  { code: 'MISSING_CHAR', message: /Missing closing/, problem: 'the quote that begins here is not closed' },
  {
    code: 'MISSING_CHAR',
    message: /Sequence item/,
    problem: 'expected "- ", or the column in which the first member of the claim begins',
  },
  {
    code: 'MISSING_CHAR',
    message: /flow/,
    problem: 'expected a comma or the closing bracket; a text with , [ ] { } in it has to be in quotes',
  },
  { code: 'MISSING_CHAR', problem: 'expected a colon and a blank behind the member' },
  {
    code: 'BAD_INDENT',
    message: /Flow/,
    problem: 'the bracket is not closed; a text with , [ ] { } in it has to be in quotes',
  },
  { code: 'BAD_INDENT', problem: 'the line begins further to the left or right than the members beside it' },
  { code: 'TAB_AS_INDENT', problem: 'a tab before the text; expected blanks' },
  {
    code: 'BAD_DQ_ESCAPE',
    problem: String.raw`a backslash in double quotes is written \\; in single quotes it stands for itself`,
  },
];

/** What FAULT in TEXT means. */
export function yamlProblem({ code, message, offset }: YamlFault, text: string): string {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const behind = text.slice(offset, offset + LONGEST_LOOK);
  const found = EXPLANATIONS.find(
    (one) =>
      one.code === code &&
      (one.before?.test(before) ?? true) &&
      (one.behind?.test(behind) ?? true) &&
      (one.message?.test(message) ?? true),
  );
  return found?.problem ?? `this is not YAML: ${shown(message.split('\n', 1)[0])}`;
}

const LONGEST_LOOK = 1000;

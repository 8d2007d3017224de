/** What is wrong with text that is not YAML, in words about the text and not about the language. */
import { shown } from '../text.js';

/** An error of the `yaml` package: its code, its words, and where in the text it is. */
export interface YamlFault {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

export interface YamlExplanation {
  readonly code: string;
  /** What stands in the line up to the fault, or behind it; undefined: anything. */
  readonly before?: RegExp;
  readonly behind?: RegExp;
  readonly message?: RegExp;
  readonly problem: string;
}

export const UNCLOSED_QUOTE: YamlExplanation = {
  code: 'MISSING_CHAR',
  message: /Missing closing/,
  problem: 'the quote that begins here is not closed',
};
export const TAB: YamlExplanation = { code: 'TAB_AS_INDENT', problem: 'a tab before the text; expected blanks' };
export const BACKSLASH: YamlExplanation = {
  code: 'BAD_DQ_ESCAPE',
  problem: String.raw`a backslash in double quotes is written \\; in single quotes it stands for itself`,
};
export const COLON_IN_TEXT: YamlExplanation = {
  code: 'BLOCK_AS_IMPLICIT_KEY',
  behind: /^[^\n]*:(?:[ \n]|$)/,
  problem: "a text in which a blank follows a colon has to be in quotes, as in 'first: second'",
};
export const TEXT_BEHIND_QUOTES: YamlExplanation = {
  code: 'UNEXPECTED_TOKEN',
  message: /at node end/,
  problem: 'something is behind the end of the text; expected all of it in one pair of quotes',
};
export const OUT_OF_LINE: YamlExplanation = {
  code: 'BAD_INDENT',
  problem: 'the line begins further to the left or right than the members beside it',
};
export const WRONG_INDENT: YamlExplanation = {
  code: 'BLOCK_AS_IMPLICIT_KEY',
  problem: 'the next line begins further to the left or right than it should',
};
export const NO_COLON: YamlExplanation = {
  code: 'MULTILINE_IMPLICIT_KEY',
  problem: 'a member has no colon, or begins further to the right than the one above it',
};
export const SPECIAL_FIRST: YamlExplanation = {
  code: 'BAD_SCALAR_START',
  problem: "a text that begins with %, @ or ` has to be in quotes, as in '@home'",
};

/** What FAULT in TEXT means by the first of EXPLANATIONS that fits. */
export function yamlProblem(
  { code, message, offset }: YamlFault,
  text: string,
  explanations: readonly YamlExplanation[],
): string {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const behind = text.slice(offset, offset + LONGEST_LOOK);
  const found = explanations.find(
    (one) =>
      one.code === code &&
      (one.before?.test(before) ?? true) &&
      (one.behind?.test(behind) ?? true) &&
      (one.message?.test(message) ?? true),
  );
  return found?.problem ?? `this is not YAML: ${shown(message.split('\n', 1)[0])}`;
}

const LONGEST_LOOK = 1000;

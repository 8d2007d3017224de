/** What is wrong with expectations that are not YAML. */
import {
  BACKSLASH,
  COLON_IN_TEXT,
  NO_COLON,
  OUT_OF_LINE,
  SPECIAL_FIRST,
  TAB,
  TEXT_BEHIND_QUOTES,
  UNCLOSED_QUOTE,
  WRONG_INDENT,
  type YamlExplanation,
} from '../yaml/yaml-problem.js';

/** What stands in place of a text that begins with *. */
export const PROTOCOL_FIRST = 'a sentence begins with its protocol, as in "tcp * > 192.0.2.10:5432"';

const IN_QUOTES = 'in quotes, as in ">= 1 packet"';

export const EXPLANATIONS: readonly YamlExplanation[] = [
  {
    code: 'UNEXPECTED_TOKEN',
    before: /[:-] +[>|]\S* *$/,
    problem: `a text that begins with > or | has to be ${IN_QUOTES}`,
  },
  { code: 'UNEXPECTED_TOKEN', message: /header/, problem: `a text that begins with > or | has to be ${IN_QUOTES}` },
  { code: 'BAD_SCALAR_START', behind: /^[>|]/, problem: `a text that begins with > or | has to be ${IN_QUOTES}` },
  SPECIAL_FIRST,
  { code: 'BAD_ALIAS', problem: PROTOCOL_FIRST },
  COLON_IN_TEXT,
  WRONG_INDENT,
  TEXT_BEHIND_QUOTES,
  NO_COLON,
  UNCLOSED_QUOTE,
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
  OUT_OF_LINE,
  TAB,
  BACKSLASH,
];

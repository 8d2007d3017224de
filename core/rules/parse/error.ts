/** Errors in a ruleset, as data: position, token, and what was expected. */
import type { Word } from '../../../codecs/iptables-save.js';
import { withNearest } from '../../../codecs/nearest.js';
import { shown, shownPath } from '../../../codecs/text.js';
import { formatLines, type UnsupportedUse } from '../unsupported.js';

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
  /** All that the file holds and that is not supported, if that is the error. The message then has a line for each. */
  readonly unsupported: readonly UnsupportedUse[];
  /** Whether `lax` accepts what is not supported. */
  readonly laxHelps: boolean;

  /** LAX_HELPS: as `laxHelps`. */
  constructor(file: string, fault: RuleFault, unsupported: readonly UnsupportedUse[] = [], laxHelps = true) {
    const { line, column } = fault.word;
    const place = (word: Word): string => `${shownPath(file)}:${word.line}:${word.column}`;
    const uses = unsupported.map(({ word, message, lines }) => {
      const more = lines.length > 1 ? ` (${formatLines(lines)})` : '';
      return `${place(word)}: ${shown(message)}${more}`;
    });
    super(uses.length > 0 ? uses.join('\n') : `${place(fault.word)}: ${shown(fault.message)}`);
    this.unsupported = unsupported;
    this.laxHelps = laxHelps;
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
  /** What iptables itself says about it on the command line, behind its name and version. Empty: not known. */
  readonly tool: string;

  /** WHAT describes the problem, EXPECTED what could have been there instead. */
  constructor(word: Word, what: string, expected = '', code: RulesetErrorCode = 'invalid', tool = '') {
    const cut = cutWord(word.text, what);
    super(expected === '' ? cut : `${cut}; expected: ${expected}`);
    this.word = word;
    this.expected = expected;
    this.code = code;
    this.tool = tool;
  }

  /** The same where iptables may say something else. */
  withoutTool(): RuleFault {
    const { word, message, expected, code } = this;
    const what = expected === '' ? message : message.slice(0, -`; expected: ${expected}`.length);
    return new RuleFault(word, what, expected, code);
  }
}

/** A word at which iptables-restore ends: it does not see what is wrong behind it. */
export class EndingFault extends RuleFault {}

/** Of a word that is longer, messages show the beginning, in characters. */
const MAX_SHOWN = 80;

/** WHAT with the word TEXT in it cut, if it is long. */
function cutWord(text: string, what: string): string {
  return text.length > MAX_SHOWN ? what.replaceAll(text, `${text.slice(0, MAX_SHOWN)}…`) : what;
}

/** The fault of WORD if TEXT, all of it or a part, is none of NAMES; with the nearest of them. */
export function unknownName(
  word: Word,
  what: string,
  text: string,
  names: readonly string[],
  expected = names.join(', '),
  tool = '',
): RuleFault {
  return new RuleFault(word, `unknown ${what} "${text}"`, withNearest(expected, text, names), 'invalid', tool);
}

/** What is wrong with a command that somebody typed. */
import type { Word } from '../../codecs/iptables-save.js';

/** A word of a command is wrong, or (`isUnsupported`) right but not followed. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly word: Word;
  readonly isUnsupported: boolean;
  /** The file that WORD is in; undefined: that of the command. */
  readonly file: string | undefined;

  /** EXPECTED: what could be there instead; '': nothing more to say. */
  constructor(word: Word, what: string, expected = '', isUnsupported = false, file?: string) {
    super(expected === '' ? what : `${what}; expected: ${expected}`);
    this.word = word;
    this.isUnsupported = isUnsupported;
    this.file = file;
  }
}

/** The fault that a command uses WHAT, which cannot be followed. */
export function notFollowed(word: Word, what: string, expected = ''): CommandFault {
  return new CommandFault(word, `${what} is not supported`, expected, true);
}

/** The part of WORD from character AT to END (from 0), as a word of its own. */
export function partOf(word: Word, at: number, end = word.text.length): Word {
  return { ...word, text: word.text.slice(at, end), column: word.column + at };
}

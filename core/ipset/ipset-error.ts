/** Errors in a file for `ipset restore` or a command of ipset, as data: position, word, and what was expected. */
import type { Word } from '../../codecs/iptables-save.js';
import { shown, shownPath } from '../../codecs/text.js';
import type { ExitCode, IpsetStop } from './report.js';

/** The message is `file:line:column: "word": what ipset says`, ready to print. */
export class IpsetError extends Error {
  override readonly name = 'IpsetError';
  readonly file: string;
  /** Line and column start at 1. The column counts characters. */
  readonly line: number;
  readonly column: number;
  /** The word at this position. */
  readonly token: string;
  /** What could have been there instead. Empty if ipset says it, or nothing could. */
  readonly expected: string;
  /** What ipset 7.17 prints on standard error. */
  readonly toolMessage: string;
  /** What ipset exits with. */
  readonly exitCode: ExitCode;

  /** FOREIGN: what the file is instead, if it is no file for ipset. */
  constructor(file: string, { line, column, text }: Word, stop: IpsetStop, foreign?: string) {
    const { message, exitCode, expected, isAboutLine } = stop;
    const lines = message.replace(/^Error in line \d+: /, '').trimEnd();
    const what = lines.replaceAll('\n', '; ');
    // A word that the message has anyway is not repeated.
    const token = isAboutLine || text === '' || mentions(what, text) ? '' : `"${text}": `;
    const end = expected === '' ? '' : `; expected: ${expected}`;
    super(`${shownPath(file)}:${line}:${column}: ${shown(foreign ?? `${token}${what}${end}`)}`);
    this.file = file;
    this.line = line;
    this.column = column;
    this.token = text;
    this.expected = expected;
    this.toolMessage = toolMessage(message, exitCode);
    this.exitCode = exitCode;
  }
}

/** Whether WORD stands in TEXT by itself. */
function mentions(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text[at - 1] ?? ' ', text[at + word.length] ?? ' '];
    if (/[ '`]/.test(before) && /[ ':.,]/.test(after)) return true;
  }
  return false;
}

/** What ipset prints about MESSAGE when it exits with EXIT_CODE. */
export function toolMessage(message: string, exitCode: ExitCode): string {
  const text = message.endsWith('\n') ? message : `${message}\n`;
  const hint = exitCode === 2 ? "Try `ipset help' for more information.\n" : '';
  return `ipset v7.17: ${text}${hint}`;
}

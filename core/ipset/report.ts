/**
 * What a run of ipset has to say. Messages of one severity are collected, a more severe one replaces them, and in a
 * file for `ipset restore` an error replaces the errors before it (ipset_session_report).
 */
import { byteLength, cutToBytes } from '../../codecs/text.js';

export const Severity = { NONE: 0, WARNING: 1, NOTICE: 2, ERROR: 3 } as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** The size of the buffer, in bytes, without the line feed and the NUL byte at its end. */
const MAX_BYTES = 1022;

export class Report {
  text = '';
  severity: Severity = Severity.NONE;
  /** The line of the file for `ipset restore`; 0: there is no such file. */
  line = 0;

  add(severity: Severity, message: string): void {
    if (this.severity !== Severity.NONE && this.severity < severity) this.text = '';
    if (this.line !== 0 && severity === Severity.ERROR) this.text = `Error in line ${this.line}: `;
    const text = cutToBytes(this.text + message, MAX_BYTES);
    this.text = byteLength(text) <= MAX_BYTES ? `${text}\n` : text;
    this.severity = severity;
  }

  reset(): void {
    this.text = '';
    this.severity = Severity.NONE;
  }
}

/** Exit codes of ipset. */
export const ExitCode = { DONE: 0, OTHER_PROBLEM: 1, PARAMETER_PROBLEM: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a run of ipset with an exit code and what it prints on standard error, without `ipset v7.17: `. */
export class IpsetStop extends Error {
  readonly exitCode: ExitCode;
  /** What would have been right, in words of our own; empty if the message says it all. */
  readonly expected: string;

  /** It is about a line as a whole. */
  readonly isAboutLine: boolean;

  constructor(message: string, exitCode: ExitCode, expected = '', isAboutLine = false) {
    super(message);
    this.name = 'IpsetStop';
    this.exitCode = exitCode;
    this.expected = expected;
    this.isAboutLine = isAboutLine;
  }
}

/** A mistake in the command line. */
export function usageStop(message: string, expected = ''): IpsetStop {
  return new IpsetStop(message, ExitCode.PARAMETER_PROBLEM, expected);
}

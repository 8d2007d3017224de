import { shown } from '../codecs/text.js';

/** The exit codes of the process. */
export const ExitCode = {
  DONE: 0,
  /** A comparison or check found a difference. */
  DIFFERENT: 1,
  /** Incorrect usage, or an invalid ruleset or host. */
  USAGE: 2,
  /** The ruleset or the host uses an unsupported feature. */
  UNSUPPORTED: 3,
  /** A file cannot be read or written. */
  FILE: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An error that the user can fix: only its message is shown. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(shown(message));
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** An error in the command line. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(ExitCode.USAGE, message);
    this.name = 'UsageError';
  }
}

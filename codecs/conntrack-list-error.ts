import { shown, shownPath } from './text.js';

/** An error in a list of connections. */
export class ConntrackListError extends Error {
  override readonly name = 'ConntrackListError';

  constructor(
    /** What was found and what was expected. */
    readonly problem: string,
    readonly file: string,
    /** Both from 1. */
    readonly line: number,
    readonly column: number,
    /** The list is valid but has something that is not supported. */
    readonly isUnsupported = false,
  ) {
    super(shown(`${shownPath(file)}:${line}:${column}: ${problem}`));
  }
}

import { shown, shownPath } from '../text.js';

/** A place in a file. Both numbers from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A file that cannot be read as expectations. */
export class ExpectationError extends Error implements Place {
  override readonly name = 'ExpectationError';

  constructor(
    problem: string,
    readonly file: string,
    readonly line: number,
    readonly column: number,
    /** It is valid, but asks for what nfreplay does not do. */
    readonly isUnsupported = false,
  ) {
    super(shown(`${shownPath(file)}:${line}:${column}: ${problem}`));
  }

  /** This error, in the message of which OTHERS of the file have lines of their own. */
  with(others: readonly ExpectationError[]): this {
    this.message = [this, ...others].map(({ message }) => message).join('\n');
    return this;
  }
}

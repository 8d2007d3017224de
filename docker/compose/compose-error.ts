import { shown, shownPath } from '../../codecs/text.js';

/** A place in a file. Both numbers from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** PLACE, as messages begin. */
export const whereAt = ({ file, line, column }: Place): string => `${shownPath(file)}:${line}:${column}`;

/** A compose file, or an .env file, that compose would refuse, or that cannot be followed. */
export class ComposeError extends Error implements Place {
  override readonly name = 'ComposeError';
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(
    problem: string,
    place: Place,
    /** Compose accepts it, but nfreplay does not follow it. */
    readonly isUnsupported = false,
  ) {
    super(shown(`${whereAt(place)}: ${problem}`));
    this.file = place.file;
    this.line = place.line;
    this.column = place.column;
  }

  /** This error, in the message of which OTHERS have lines of their own. */
  with(others: readonly ComposeError[]): this {
    this.message = [this, ...others].map(({ message }) => message).join('\n');
    return this;
  }
}

/** People do not read more lines than that. */
const MOST_TOLD = 20;

/** Errors that are told at once. */
export class Problems {
  readonly #errors: ComposeError[] = [];

  /** What WORK returns; undefined if it throws a ComposeError, which `finish` throws. */
  collect<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ComposeError)) throw error;
      this.#errors.push(error);
      return undefined;
    }
  }

  /** Throws what was collected: of two kinds of errors, those that compose has, too. */
  finish(): void {
    const refused = this.#errors.filter(({ isUnsupported }) => !isUnsupported);
    const [first, ...others] = refused.length > 0 ? refused : this.#errors;
    if (first === undefined) return;
    const told = first.with(others.slice(0, MOST_TOLD - 1));
    if (others.length >= MOST_TOLD) told.message += `\nand ${others.length - MOST_TOLD + 1} more`;
    throw told;
  }
}

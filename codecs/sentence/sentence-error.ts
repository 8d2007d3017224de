import { shown } from '../text.js';

/** A sentence that cannot be read, or that does not say enough for what it is used for. */
export class SentenceError extends Error {
  /** Where in the sentence, from 1; undefined: it is about all of it. */
  readonly column: number | undefined;
  /** The sentence is correct, but asks for something that nfreplay does not do. */
  readonly isUnsupported: boolean;
  readonly #what: string;

  /** WHOSE: what the message calls the sentence, such as the option it was given with. */
  constructor(column: number | undefined, message: string, isUnsupported = false, whose?: string) {
    const place = [whose, column === undefined ? undefined : `column ${column}`].filter((part) => part !== undefined);
    super(shown(`${place.join(', ')}${place.length > 0 ? ': ' : ''}${message}`));
    this.#what = message;
    this.name = 'SentenceError';
    this.column = column;
    this.isUnsupported = isUnsupported;
  }

  /** The same error, about the sentence that is called WHOSE. */
  of(whose: string): SentenceError {
    return new SentenceError(this.column, this.#what, this.isUnsupported, whose);
  }
}

/** A filter that cannot be used. */
export class FilterError extends Error {
  /** Where in the filter, from 1. */
  readonly column: number;
  /** The filter is correct in tcpdump's language, but asks for something that nfreplay does not do. */
  readonly isUnsupported: boolean;
  readonly #what: string;

  /** WHOSE: what the message calls the filter, such as the option it was given with. */
  constructor(column: number, message: string, isUnsupported = false, whose?: string) {
    super(`${whose === undefined ? '' : `${whose}, `}column ${column}: ${message}`);
    this.#what = message;
    this.name = 'FilterError';
    this.column = column;
    this.isUnsupported = isUnsupported;
  }

  /** The same error, about the filter that is called WHOSE. */
  of(whose: string): FilterError {
    return new FilterError(this.column, this.#what, this.isUnsupported, whose);
  }
}

/** The error about what tcpdump's language has and nfreplay has not. */
export function unsupported(column: number, what: string): FilterError {
  return new FilterError(column, what, true);
}

/** A filter that cannot be used. */
export class FilterError extends Error {
  /** Where in the filter, from 1. */
  readonly column: number;
  /** The filter is correct in tcpdump's language, but asks for something that nfreplay does not do. */
  readonly isUnsupported: boolean;

  constructor(column: number, message: string, isUnsupported = false) {
    super(`column ${column}: ${message}`);
    this.name = 'FilterError';
    this.column = column;
    this.isUnsupported = isUnsupported;
  }
}

/** The error about what tcpdump's language has and nfreplay has not. */
export function unsupported(column: number, what: string): FilterError {
  return new FilterError(column, what, true);
}

/** What of a Docker engine cannot be followed. */

/** The message says what, by name, and what could be there instead. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

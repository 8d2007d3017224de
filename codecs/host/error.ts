import { locateInJson } from '../json-position.js';
import { shown, shownPath } from '../text.js';

/** An error in a host file. */
export class HostError extends Error {
  override readonly name = 'HostError';

  constructor(
    /** The path of the value in the JSON, such as `addr[0].mtu`; '' for the whole document. */
    readonly path: string,
    /** What is wrong: what was found and what was expected. */
    readonly problem: string,
    readonly file = '',
    /** Both from 1; 0: unknown. */
    readonly line = 0,
    readonly column = 0,
    /** The description is valid but uses an unsupported feature. */
    readonly isUnsupported = false,
  ) {
    const place = [shownPath(file || 'host'), ...(line > 0 ? [line, column] : [])].join(':');
    super(shown(`${place}: ${path === '' ? '' : `${path}: `}${problem}`));
  }

  /** The same error with its position in TEXT, the content of FILE. */
  locatedIn(text: string, file: string): HostError {
    const { line, column } = locateInJson(text, this.path);
    return new HostError(this.path, this.problem, file, line, column, this.isUnsupported);
  }
}

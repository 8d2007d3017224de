/**
 * What the commands print. Node's own streams are not used: they write to pipes later, and do not notice if a full disk
 * takes only a part.
 */
import { closeSync, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { shown } from '../codecs/text.js';
import { errorCode, systemMessage } from '../io/file-error.js';
import { writeFully } from '../io/patience.js';
import { CliError, ExitCode } from './errors.js';

/** Standard output or standard error. */
export class Output {
  readonly isTTY: boolean;
  readonly #fd: 1 | 2;
  readonly #name: string;
  /** Nobody reads it any more: `head` has seen enough, or the terminal was closed. That is no error. */
  #isClosed = false;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
    this.#name = fd === 1 ? 'standard output' : 'standard error';
    this.isTTY = isatty(fd);
  }

  /** The width of the terminal; undefined if it is not one. */
  get columns(): number | undefined {
    if (!this.isTTY) return undefined;
    return (this.#fd === 1 ? process.stdout : process.stderr).columns;
  }

  /**
   * Writes TEXT before it returns.
   * @throws {CliError} if that fails, as on a full disk
   */
  write(text: string | Uint8Array): void {
    if (this.#isClosed) return;
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    try {
      writeFully(this.#fd, bytes, 0, bytes.length);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EPIPE' || (code === 'EIO' && this.isTTY)) this.#isClosed = true;
      else throw new CliError(ExitCode.FILE, `${this.#name}: cannot write: ${systemMessage(error)}`);
    }
  }
}

/**
 * Closes terminals that were closed at their other end. Otherwise Node, which restores the terminal's settings when it
 * exits, aborts because that fails (`ResetStdio`).
 */
export function closeDeadTerminals(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (fstatSync(fd).isCharacterDevice() && !isatty(fd)) closeSync(fd);
    } catch {
      // It is closed already.
    }
  }
}

export const STDOUT = new Output(1);
export const STDERR = new Output(2);

/** Shows WARNING on standard error. */
export function warn(warning: string): void {
  STDERR.write(`nfreplay: warning: ${shown(warning)}\n`);
}

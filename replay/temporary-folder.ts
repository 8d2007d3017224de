/** A folder for files that last as long as a search. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeText } from '../codecs/text.js';
import { FileError, systemMessage } from '../io/file-error.js';
import { nativePath } from '../io/path.js';
import { randomName } from '../io/process-tag.js';
import { type Leftovers, removeLeftovers } from '../io/staged-dir.js';

export class TemporaryFolder {
  readonly path: string;
  readonly #leftovers: Leftovers;

  /**
   * Creates it. Nobody else can read it.
   * @param purpose a word for its name
   * @param onCreate called before that, with what has to be removed if the process is ended
   * @throws {FileError} if it cannot be created
   */
  constructor(purpose: string, onCreate?: (leftovers: Leftovers) => void) {
    this.path = join(tmpdir(), `nfreplay-${purpose}-${randomName()}`);
    this.#leftovers = { folder: this.path, parents: [] };
    onCreate?.(this.#leftovers);
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      throw new FileError(`${this.path} cannot be written: ${systemMessage(error)}`, error);
    }
  }

  /**
   * Writes CONTENT to the file NAME, or removes it if that is undefined.
   * @throws {FileError}
   */
  put(name: string, content: Uint8Array | string | undefined): void {
    const path = join(this.path, name);
    try {
      if (content === undefined) rmSync(nativePath(path), { force: true });
      else {
        mkdirSync(nativePath(dirname(path)), { recursive: true });
        writeFileSync(nativePath(path), typeof content === 'string' ? encodeText(content) : content);
      }
    } catch (error) {
      throw new FileError(`${path} cannot be written: ${systemMessage(error)}`, error);
    }
  }

  /** Removes it, with all that is in it. */
  remove(): void {
    removeLeftovers(this.#leftovers);
  }
}

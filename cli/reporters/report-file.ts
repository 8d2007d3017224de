/** A file that a reporter writes: it appears when all is written, or stays as it was. */
import { closeSync, openSync } from 'node:fs';
import { encodeText } from '../../codecs/text.js';
import { FileError, systemMessage } from '../../io/file-error.js';
import { nativePath } from '../../io/path.js';
import { writeFully } from '../../io/patience.js';
import type { Leftovers } from '../../io/staged-dir.js';
import { StagedFile } from '../../io/staged-file.js';
import type { TextWriter } from './model.js';

/** How much is gathered before it is written. */
const GATHERED_LENGTH = 1 << 16;

export class ReportFile implements TextWriter {
  readonly #given: string;
  readonly #staged: StagedFile;
  #fd: number | undefined;
  #gathered = '';

  /** @throws {FileError} if the file cannot be created, or is none */
  constructor(given: string, onCreate?: (leftovers: Leftovers) => void) {
    this.#given = given;
    this.#staged = new StagedFile(given, onCreate);
    this.#fd = this.#attempt(() => openSync(nativePath(this.#staged.path), 'wx'));
  }

  /** @throws {FileError} */
  write(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length > GATHERED_LENGTH) this.#flush();
  }

  /**
   * Puts the file in place.
   * @throws {FileError} if that fails; what was there before is then untouched
   */
  commit(): void {
    this.#flush();
    this.#close();
    this.#staged.commit();
  }

  /** Removes what was written. */
  discard(): void {
    try {
      this.#close();
    } catch {
      // It is not needed any more.
    }
    this.#staged.discard();
  }

  #flush(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    const bytes = encodeText(this.#gathered);
    this.#gathered = '';
    this.#attempt(() => writeFully(fd, bytes, 0, bytes.length));
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    // Some file systems (quota, NFS) report a failed write only now.
    if (fd !== undefined) this.#attempt(() => closeSync(fd));
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new FileError(`${this.#given} cannot be written: ${systemMessage(error)}`);
    }
  }
}

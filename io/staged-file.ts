/**
 * Replaces a file as a whole: the new one is written beside it, as `.NAME.partial-TAG`, and put in place by one rename.
 * What a killed process has left is removed by the next one (`recover` of staged-dir.ts).
 */
import { existsSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError, systemMessage } from './file-error.js';
import { nativePath } from './path.js';
import { processTag, randomName } from './process-tag.js';
import { type Leftovers, recover } from './staged-dir.js';

export class StagedFile {
  /** Where to write. */
  readonly path: string;
  readonly #given: string;

  /**
   * @param onCreate called before anything is created, with what has to be removed if the thread that writes is ended
   * @throws {FileError} if there is a folder at GIVEN, or none for it
   */
  constructor(given: string, onCreate?: (leftovers: Leftovers) => void) {
    this.#given = given;
    const folder = dirname(resolve(given));
    if (statSync(nativePath(folder), { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new FileError(`${given} cannot be written: there is no folder ${folder}`);
    const there = statSync(nativePath(given), { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile())
      throw new FileError(`${given} is not a file; expected a file, or nothing`);
    const isLink = lstatSync(nativePath(given), { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink && !existsSync(nativePath(given)))
      throw new FileError(`${given} is a symbolic link to something that does not exist; expected a file, or nothing`);
    recover(given);
    this.path = join(folder, `.${basename(given)}.partial-${processTag()}-${randomName()}`);
    onCreate?.({ folder: this.path, parents: [] });
  }

  /**
   * Moves what was written to the target.
   * @throws {FileError} if that fails; the target is then as it was
   */
  commit(): void {
    try {
      renameSync(this.path, resolve(this.#given));
    } catch (error) {
      throw new FileError(`${this.#given} cannot be written: ${systemMessage(error)}`);
    }
  }

  /** Removes what was written. */
  discard(): void {
    rmSync(this.path, { force: true });
  }
}

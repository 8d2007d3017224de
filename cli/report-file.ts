/** The page that `report` writes: it appears when all of it is written, or what was there stays as it was. */
import { statSync } from 'node:fs';
import { FileError } from '../io/file-error.js';
import { nativePath } from '../io/path.js';
import type { Leftovers } from '../io/staged-dir.js';
import { StagedFile } from '../io/staged-file.js';
import { writeText } from '../io/text-file.js';
import { refuseWritingInto } from '../replay/case-places.js';
import { isReport } from '../replay/result-files.js';
import { UsageError } from './errors.js';
import { STDOUT } from './output.js';

export const STANDARD_OUTPUT = '-';

export class ReportFile {
  readonly #given: string;
  readonly #staged: StagedFile | undefined;

  /**
   * @param given the file, or '-' for standard output
   * @param onCreate as that of StagedFile
   * @throws {UsageError} if standard output is a terminal
   * @throws {FileError} if it can be seen that the file cannot be written, or if one is there that is no report
   */
  constructor(given: string, onCreate?: (leftovers: Leftovers) => void) {
    this.#given = given;
    if (given !== STANDARD_OUTPUT) {
      this.#refuseOther();
      this.#staged = new StagedFile(given, onCreate);
    } else if (STDOUT.isTTY) throw new UsageError('--out -: standard output is a terminal; redirect it to a file');
  }

  /**
   * Throws if the file is in one of FOLDERS, in which every file has a meaning.
   * @throws {ReplayOptionsError}
   */
  refuseIn(folders: readonly string[]): void {
    if (this.#staged !== undefined) refuseWritingInto({ files: [], folders }, this.#given, `--out ${this.#given}`);
  }

  /**
   * Writes PAGE, HTML, and puts it in place.
   * @throws {FileError} {CliError} if that fails; what was there before is then untouched
   */
  write(page: Uint8Array): void {
    const staged = this.#staged;
    if (staged === undefined) {
      STDOUT.write(page);
      return;
    }
    try {
      this.#attempt(() => writeText(staged.path, page, 'wx'), staged.path);
      this.#refuseOther();
      staged.commit();
    } catch (error) {
      staged.discard();
      throw error;
    }
  }

  /** Somebody may have put his own file there while the packets were replayed. */
  #refuseOther(): void {
    const stat = statSync(nativePath(this.#given), { throwIfNoEntry: false });
    if (stat?.isFile() !== true || stat.size === 0 || isReport(this.#given)) return;
    throw new FileError(`${this.#given} is no report, so it is left alone; write to another file (--out FILE)`);
  }

  /** Calls a staged file by the name that was given. */
  #attempt(action: () => void, path: string): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new FileError(error.message.replaceAll(path, this.#given));
    }
  }
}

/** A folder that holds one candidate after the other: the files of a case with what is kept of them. */
import { type GoldenCase, readCase } from '../../replay/golden-case.js';
import type { TemporaryFolder } from '../../replay/temporary-folder.js';
import { caseJson } from '../../replay/write-case.js';
import { type CaseModel, type ModelFile, wordsOf } from './case-model.js';
import type { Selection } from './units.js';

/** Where candidates are in the folder. */
const CASE = 'case';

export class CandidateFolder {
  readonly #folder: TemporaryFolder;
  readonly #model: CaseModel;
  readonly #files: readonly ModelFile[];
  /** The units of each file that were kept when it was written. */
  readonly #written = new Map<string, Uint8Array>();
  #words: string | undefined;

  /** FILES: with those that are not a part of MODEL, such as expect.yaml. FOLDER: where the candidates are written. */
  constructor(model: CaseModel, files: readonly ModelFile[], folder: TemporaryFolder) {
    this.#folder = folder;
    this.#model = model;
    this.#files = files;
  }

  get path(): string {
    return `${this.#folder.path}/${CASE}`;
  }

  /**
   * Makes the folder the case that SELECTION keeps.
   * @throws {FileError} {ReplayOptionsError} if that is no case
   */
  write(selection: Selection): GoldenCase {
    for (const file of this.#files) this.#writeFile(file, selection);
    const words = wordsOf(this.#model, selection);
    const text = words.length === 0 ? undefined : caseJson(words);
    if (text !== this.#words) this.#folder.put(`${CASE}/case.json`, text);
    this.#words = text;
    return readCase(this.path);
  }

  #writeFile(file: ModelFile, selection: Selection): void {
    const flags = Uint8Array.from(file.units, (unit) => selection.flags[unit]);
    const before = this.#written.get(file.name);
    if (before?.every((flag, i) => flag === flags[i])) return;
    // If it cannot be written, it is no longer what it was.
    this.#written.delete(file.name);
    this.#folder.put(`${CASE}/${file.name}`, file.content(selection));
    this.#written.set(file.name, flags);
  }
}

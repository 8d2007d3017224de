/**
 * Writes the folder of a case (golden-case.ts). It is made beside its place and put there as a whole, so that there is
 * never half a case; what is there already is never replaced.
 */
import { closeSync, constants, copyFileSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CaptureError } from '../codecs/capture-error.js';
import { FileSource } from '../io/capture-file.js';
import { FileError, systemMessage } from '../io/file-error.js';
import { namesIn, nativePath } from '../io/path.js';
import { type Leftovers, StagedDir } from '../io/staged-dir.js';
import { isReadAgain } from '../io/text-file.js';

/** A file of a case. NAME: its path in the folder, with `/`. */
export type CaseFile = { readonly name: string } & (
  | { readonly bytes: Uint8Array | string }
  /** Copied from there; `-` is standard input. */
  | { readonly path: string }
);

export interface CaseContent {
  /** The host, rules, captures and whatever else OPTIONS name. */
  readonly files: readonly CaseFile[];
  /** The options of `case.json`, with paths relative to the folder; no file is written if there are none. */
  readonly options?: readonly string[];
  /** The text of `expect.yaml`. */
  readonly expect?: string;
}

export interface WriteCaseOptions {
  /** Called before anything is created, with what has to be removed if the thread that writes is ended. */
  onCreate?: (leftovers: Leftovers) => void;
  /** Whether files that are pipes shall end now. */
  hasEnded?: () => boolean;
}

const CASE_FILE = 'case.json';
const EXPECT_FILE = 'expect.yaml';

/**
 * Writes CONTENT to the folder DIR, which does not exist yet or is empty.
 * @throws {FileError} if there is something in DIR, if it cannot be written, or if a file of CONTENT cannot be read
 */
export function writeCase(dir: string, content: CaseContent, options: WriteCaseOptions = {}): void {
  const staged = new StagedCase(dir, options);
  try {
    staged.add(content);
    staged.commit();
  } catch (error) {
    staged.discard();
    throw error;
  }
}

/** A case being written, which can be replayed before it is put in place. `commit` or `discard` ends it. */
export class StagedCase {
  /** The folder to write to and to read from until then. */
  readonly path: string;
  readonly #dir: string;
  readonly #staged: StagedDir;
  readonly #live: Pick<WriteCaseOptions, 'hasEnded'>;
  readonly #names = new Set<string>();

  /** @throws {FileError} if there is something in DIR, or if it can be seen that it cannot be written */
  constructor(dir: string, { onCreate, hasEnded }: WriteCaseOptions = {}) {
    refuseOccupied(dir);
    this.#dir = dir;
    this.#live = hasEnded === undefined ? {} : { hasEnded };
    this.#staged = new StagedDir(dir, {
      foreignFile: (there) => namesIn(there)[0],
      ...(onCreate === undefined ? {} : { onCreate }),
    });
    this.path = this.#staged.path;
  }

  /**
   * Writes CONTENT, in addition to what has been written.
   * @throws {FileError} if a file cannot be read or written
   */
  add({ files, options = [], expect }: CaseContent): void {
    for (const file of files) this.#write(file);
    if (options.length > 0) this.#write({ name: CASE_FILE, bytes: caseJson(options) });
    if (expect !== undefined) this.#write({ name: EXPECT_FILE, bytes: expect });
  }

  /** The names of the files that have been written. */
  get files(): string[] {
    return [...this.#names];
  }

  /** Puts the case in place. @throws {FileError} if that fails; nothing is there then */
  commit(): void {
    this.#staged.commit();
  }

  /** Removes what was written. */
  discard(): void {
    this.#staged.discard();
  }

  #write(file: CaseFile): void {
    const { name } = file;
    if (!isWithin(name)) throw new RangeError(`${name} is not a path within a case`);
    if (this.#names.has(name)) throw new RangeError(`${name} is written twice`);
    this.#names.add(name);
    const target = join(this.path, name);
    if ('path' in file) refuseUnreadable(file.path);
    try {
      mkdirSync(nativePath(dirname(target)), { recursive: true });
      if (!('path' in file)) writeFileSync(nativePath(target), file.bytes);
      else if (isReadAgain(file.path))
        copyFileSync(nativePath(file.path), nativePath(target), constants.COPYFILE_FICLONE);
      else copyPipe(file.path, target, this.#live);
    } catch (error) {
      if (error instanceof CaptureError) throw error;
      const source = 'path' in file ? ` (from ${file.path})` : '';
      throw new FileError(`${join(this.#dir, name)} cannot be written${source}: ${systemMessage(error)}`);
    }
  }
}

/** Whether NAME leads to a file in the folder that it is relative to. */
function isWithin(name: string): boolean {
  return name !== '' && normalize(name) === name && !name.startsWith('/') && !/^\.\.?(?:\/|$)/.test(name);
}

function refuseUnreadable(path: string): void {
  if (path === '-') return;
  const stat = statSync(nativePath(path), { throwIfNoEntry: false });
  if (stat === undefined) throw new FileError(`${path}: no such file`);
  if (stat.isDirectory()) throw new FileError(`${path} is a folder; expected a file`);
}

const PIECE_BYTES = 1 << 16;

/** @throws {CaptureError} if PATH cannot be read */
function copyPipe(path: string, target: string, live: Pick<WriteCaseOptions, 'hasEnded'>): void {
  const source = new FileSource(path, live);
  const fd = openSync(nativePath(target), 'w');
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let count = -1; count !== 0; ) {
      count = source.read(piece, 0, PIECE_BYTES);
      for (let at = 0; at < count; ) at += writeSync(fd, piece, at, count - at);
    }
  } finally {
    closeSync(fd);
    source.close();
  }
}

function refuseOccupied(dir: string): void {
  const stat = statSync(nativePath(dir), { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) throw new FileError(`${dir} is a file; expected a new folder`);
  const [first] = namesIn(dir);
  if (first === undefined) return;
  throw new FileError(`${dir} is not empty (it contains ${first}); a case is written to a new folder or an empty one`);
}

/** The text of `case.json`: an option with its value on a line. */
export function caseJson(options: readonly string[]): string {
  const lines: string[][] = [];
  for (const word of options) {
    if (word.startsWith('--') || lines.length === 0) lines.push([]);
    lines.at(-1)!.push(JSON.stringify(word));
  }
  return `{\n  "options": [\n${lines.map((words) => `    ${words.join(', ')}`).join(',\n')}\n  ]\n}\n`;
}

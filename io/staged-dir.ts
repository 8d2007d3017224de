/**
 * Replaces a folder as a whole. The new one is written beside it, in a staging folder, and put in place by two renames:
 *
 *     .out.partial-TAG    being written
 *     out            ─►   .out.previous-TAG        first rename
 *     .out.partial-TAG ─► out                      second rename
 *     .out.previous-TAG   removed
 *
 * A process can be killed anywhere in between. A `previous` folder therefore means that the `partial` one with the same
 * tag is complete, and whoever comes next finishes the work (`recover`). It does not matter whether the first process
 * is still at it: each rename succeeds once, and the loser sees that the work is done.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, FileError, systemMessage } from './file-error.js';
import { isGone, processTag, randomName } from './process-tag.js';

export interface StagedDirOptions {
  /** Returns the name of a file in DIR, an existing folder, that must not be lost; undefined if there is none. */
  foreignFile(dir: string): string | undefined;
  /** Called before anything is created, with what has to be removed if the thread that writes is ended. */
  onCreate?(leftovers: Leftovers): void;
}

/** What a run that was ended leaves behind. */
export interface Leftovers {
  /** The folder that would have been replaced, as it was given. */
  target?: string;
  /** A folder to remove with all that is in it. */
  folder: string;
  /** Folders to remove if they are empty, in this order. */
  parents: readonly string[];
}

/** In a path from the command line or from Node: bytes that are not UTF-8 were lost, and it is another path. */
const NOT_UTF8 = /[\ufffd\p{Cs}]/u;

/** A folder being written. The target is unchanged until `commit`; `discard` removes what was written. Call one. */
export class StagedDir {
  /** Where to write. */
  readonly path: string;
  readonly #target: string;
  readonly #previous: string;
  readonly #given: string;
  readonly #foreignFile: StagedDirOptions['foreignFile'];
  readonly #leftovers: Leftovers;

  /**
   * @param given where the folder goes: nothing is there yet, an empty folder, or one without a foreign file
   * @throws {FileError} if something else is there, or if it can be seen that it cannot be replaced
   */
  constructor(given: string, { foreignFile, onCreate }: StagedDirOptions) {
    this.#given = given;
    this.#foreignFile = foreignFile;
    this.#target = attempt(given, () => realTarget(given));
    if (NOT_UTF8.test(this.#target)) {
      throw new FileError(`${given} cannot be written: its full path is not UTF-8, or contains U+FFFD; use another`);
    }
    const { parent, name } = placeOf(this.#target);
    recover(given);
    attempt(given, () => refuseIrreplaceable(this.#target, given));
    this.#refuseForeign();

    const tag = `${processTag()}-${randomName()}`;
    this.path = join(parent, `.${name}${PARTIAL}${tag}`);
    this.#previous = join(parent, `.${name}${PREVIOUS}${tag}`);
    this.#leftovers = { target: given, folder: this.path, parents: missingFolders(parent) };
    onCreate?.(this.#leftovers);
    try {
      attempt(given, () => {
        for (const folder of [...this.#leftovers.parents].reverse()) if (!existsSync(folder)) mkdirSync(folder);
        mkdirSync(this.path);
        refuseFullDisk(this.path);
      });
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /**
   * Moves what was written to the target.
   * @throws {FileError} if that fails; the target is then as it was
   */
  commit(): void {
    attempt(this.#given, () => {
      let isMoved = false;
      while (!this.#moveIn(isMoved)) {
        this.#keepForeign();
        // If another process has put its folder in place since, it has replaced the one that was moved away.
        if (isMoved) rmSync(this.#previous, { recursive: true, force: true });
        isMoved = renamed(this.#target, this.#previous) || isMoved;
      }
      if (isMoved) rmSync(this.#previous, { recursive: true, force: true });
    });
  }

  /** Moves the staging folder to the target; returns false if another folder is there, which has to be moved first. */
  #moveIn(isMoved: boolean): boolean {
    if (isOccupied(this.#target)) return isMoved && !existsSync(this.path);
    try {
      renameSync(this.path, this.#target);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (OCCUPIED.includes(code)) return false;
      if (isMoved && code === 'ENOENT' && existsSync(this.#target)) return true;
      if (isMoved) renameSync(this.#previous, this.#target);
      throw error;
    }
  }

  /** Removes what was written. */
  discard(): void {
    removeLeftovers(this.#leftovers);
  }

  #refuseForeign(): void {
    const foreign = attempt(this.#given, () => this.#foreign());
    if (foreign === undefined) return;
    throw new FileError(`${this.#given} contains a file that no run wrote (${foreign}); use an empty or new folder`);
  }

  /** If somebody has put a file into the target during the run, both are kept: it, and what was written. */
  #keepForeign(): void {
    const foreign = this.#foreign();
    if (foreign === undefined) return;
    const kept = `${this.#target}.results-${randomName()}`;
    renameSync(this.path, kept);
    throw new FileError(
      `${this.#given} now contains a file that no run wrote (${foreign}), so it was left alone; ` +
        `the results are in ${kept}`,
    );
  }

  /** A foreign file in the target. */
  #foreign(): string | undefined {
    for (;;) {
      const inode = inodeOf(this.#target);
      if (inode === undefined) return undefined;
      try {
        const foreign = this.#foreignFile(this.#target);
        if (foreign === undefined || inodeOf(this.#target) === inode) return foreign;
      } catch (error) {
        if (inodeOf(this.#target) === inode) throw error;
      }
      // Another run has replaced the folder while it was read.
    }
  }
}

const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino;

/**
 * Finishes what a killed process has begun with the folder at GIVEN, and removes what it left. Call it before reading
 * or replacing the folder.
 * @throws {FileError} if the folder is missing and cannot be put in place
 */
export function recover(given: string): void {
  const target = attempt(given, () => realTarget(given));
  const { parent, name } = placeOf(target);
  for (const entry of entriesOf(parent)) {
    const tag = tagOf(entry, name, PREVIOUS);
    if (tag === undefined) continue;
    const previous = join(parent, entry);
    const partial = join(parent, `.${name}${PARTIAL}${tag}`);
    attempt(given, () => {
      if (!existsSync(target) && !renamed(partial, target)) renamed(previous, target);
    });
    removeIfPossible(previous);
  }
  for (const entry of entriesOf(parent)) {
    const tag = tagOf(entry, name, PARTIAL);
    if (tag !== undefined && isGone(tag)) removeIfPossible(join(parent, entry));
  }
}

/** After the thread that writes was ended: finishes what it was about to finish, and removes what it left. */
export function cleanUp(leftovers: Leftovers): void {
  if (leftovers.target !== undefined) recover(leftovers.target);
  removeLeftovers(leftovers);
}

/** Removes LEFTOVERS, as far as they exist. */
export function removeLeftovers({ folder, parents }: Leftovers): void {
  rmSync(folder, { recursive: true, force: true });
  for (const parent of parents) {
    try {
      rmdirSync(parent);
    } catch {
      // It was never created, or somebody else uses it.
    }
  }
}

const PARTIAL = '.partial-';
const PREVIOUS = '.previous-';

/** The codes of a rename onto a folder that is not empty. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST'];

const placeOf = (target: string) => ({ parent: dirname(target), name: basename(target) });

/** The tag of ENTRY, if it is a folder of KIND for the target NAME. */
function tagOf(entry: string, name: string, kind: string): string | undefined {
  const prefix = `.${name}${kind}`;
  return entry.startsWith(prefix) ? entry.slice(prefix.length) : undefined;
}

/** Where GIVEN is, if symbolic links are followed. */
function realTarget(given: string): string {
  const path = resolve(given);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return existsSync(dirname(path)) ? join(realpathSync(dirname(path)), basename(path)) : path;
  if (stat.isSymbolicLink() && !existsSync(path)) {
    throw new FileError(`${given} is a symbolic link to something that does not exist; expected a folder`);
  }
  return realpathSync(path);
}

/** Throws if something at TARGET cannot be renamed or removed, as far as that can be seen. */
function refuseIrreplaceable(target: string, given: string): void {
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) throw new FileError(`${given} is a file; expected a folder`);
  if (target === process.cwd()) {
    throw new FileError(`${given} is the current folder, which is not replaced; give a folder in it`);
  }
  const parent = statSync(dirname(target));
  if (isMountPoint(target, stat, parent)) {
    throw new FileError(
      `${given} is a mount point, which cannot be replaced; give a folder in it, such as ${join(given, 'results')}`,
    );
  }
  accessSync(target, constants.R_OK | constants.W_OK | constants.X_OK);
  if (isProtectedBySticky(stat, parent)) {
    throw new FileError(`${given} belongs to another user and cannot be replaced; use a new folder`);
  }
}

const STICKY = 0o1000;

/** Whether the sticky bit of the parent keeps this user from renaming the folder (rename(2), EPERM). */
function isProtectedBySticky(stat: Stats, parent: Stats): boolean {
  const uid = process.geteuid?.() ?? 0;
  return (parent.mode & STICKY) !== 0 && uid !== 0 && uid !== stat.uid && uid !== parent.uid;
}

/** Whether TARGET is a mount point. Only proc(5)'s mountinfo also knows bind mounts within one file system. */
function isMountPoint(target: string, stat: Stats, parent: Stats): boolean {
  let mounts: string;
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return stat.dev !== parent.dev;
  }
  const pathOf = (line: string) =>
    (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
  return mounts.split('\n').some((line) => pathOf(line) === target);
}

function refuseFullDisk(path: string): void {
  const { blocks, bfree, bavail } = statfsSync(path);
  const free = process.geteuid?.() === 0 ? bfree : bavail;
  if (blocks > 0 && free === 0) throw Object.assign(new Error('no space is left on the device'), { code: 'ENOSPC' });
}

/** PATH and its parents that do not exist, the deepest first. */
function missingFolders(path: string): string[] {
  return existsSync(path) ? [] : [path, ...missingFolders(dirname(path))];
}

function isOccupied(dir: string): boolean {
  return existsSync(dir) && readdirSync(dir).length > 0;
}

/** Renames FROM; returns false if there is no such folder (any more), or if something is at TO. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || OCCUPIED.includes(errorCode(error))) return false;
    throw error;
  }
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Removes PATH. A reader may not be allowed to, and does not need it. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The next process that may will do it.
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`${path} cannot be written: ${systemMessage(error)}`, error);
  }
}

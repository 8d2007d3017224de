/**
 * Writes a result folder beside its target and renames it at the end, so that it is replaced completely or not at all.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError } from './file-error.js';

/** The file that identifies a result folder, and how its member `generator` starts. */
export const SUMMARY_FILE = 'summary.json';
export const GENERATOR = 'nfreplay';

/**
 * Results being written. The target is unchanged until `commit`; `discard` removes what was written. Call one of the
 * two.
 */
export class StagedDir {
  /** Where to write. */
  readonly path: string;
  readonly #target: string;

  /**
   * @param target where the results go: a folder that does not exist, is empty, or contains earlier results
   * @throws {FileError} if the target is anything else, or its parent cannot be written
   */
  constructor(target: string) {
    this.#target = resolve(target);
    refuseForeign(this.#target, target);
    const parent = dirname(this.#target);
    this.path = join(parent, `.${basename(this.#target)}.partial-${process.pid}`);
    attempt(target, () => {
      makeFolders(parent);
      removeLeftOvers(parent, basename(this.#target));
      rmSync(this.path, { recursive: true, force: true });
      mkdirSync(this.path);
    });
  }

  /** Moves the results to the target. */
  commit(): void {
    const target = this.#target;
    attempt(target, () => {
      if (!existsSync(target)) {
        renameSync(this.path, target);
        return;
      }
      // A folder cannot be renamed over one that is not empty, so the old one is renamed first.
      const old = `${this.path}.old`;
      renameSync(target, old);
      try {
        renameSync(this.path, target);
      } catch (error) {
        renameSync(old, target);
        throw error;
      }
      rmSync(old, { recursive: true, force: true });
    });
  }

  /** Removes what was written. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * Creates PATH and its missing parents. (mkdir's `recursive` never returns if creating a parent fails with ENOENT, as
 * in /proc.)
 */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

/** Throws if TARGET contains anything that no replay wrote. */
function refuseForeign(target: string, given: string): void {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new FileError(`${given} is a file; expected a folder`);
  const names = attempt(given, () => readdirSync(target));
  if (names.length === 0 || isOurs(target)) return;
  throw new FileError(`${given} contains files that no replay wrote (${names[0]} …); use an empty or new folder`);
}

function isOurs(dir: string): boolean {
  try {
    const { generator } = JSON.parse(readFileSync(join(dir, SUMMARY_FILE), 'utf8'));
    return typeof generator === 'string' && generator.startsWith(GENERATOR);
  } catch {
    return false;
  }
}

/** Removes what killed runs left behind for the same target. */
function removeLeftOvers(parent: string, name: string): void {
  const prefix = `.${name}.partial-`;
  for (const entry of readdirSync(parent)) {
    const pid = entry.startsWith(prefix) ? Number(entry.slice(prefix.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`${path} cannot be written: ${(error as Error).message}`);
  }
}

/** A folder of results that is made beside its place and put there at the end, whole or not at all. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError } from './file-error.js';

/** The file by which a folder of ours is known, and what it says first. */
export const SUMMARY_FILE = 'summary.json';
export const GENERATOR = 'nfreplay';

/**
 * Results on their way to a folder. Until `commit`, what is at TARGET stays as it is; `discard` removes what was written.
 * One of the two must be called.
 */
export class StagedDir {
  /** Where to write. */
  readonly path: string;
  readonly #target: string;

  /**
   * @param target where the results go: a folder that does not exist, is empty, or holds earlier results
   * @throws {FileError} if it is anything else, or its parent cannot be written
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

  /** Put the results in their place. */
  commit(): void {
    const target = this.#target;
    attempt(target, () => {
      if (!existsSync(target)) {
        renameSync(this.path, target);
        return;
      }
      // A folder cannot be renamed onto one that holds something: the old one steps aside for a moment.
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

  /** Remove what was written. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Makes PATH and what is missing above it. (`recursive` never ends where a parent refuses with ENOENT, as /proc does.) */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

/** Never replace what somebody else put there. */
function refuseForeign(target: string, given: string): void {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new FileError(`${given} is a file; a folder is wanted`);
  const names = attempt(given, () => readdirSync(target));
  if (names.length === 0 || isOurs(target)) return;
  throw new FileError(`${given} holds files that no replay wrote (${names[0]} …); give an empty or new folder`);
}

function isOurs(dir: string): boolean {
  try {
    const { generator } = JSON.parse(readFileSync(join(dir, SUMMARY_FILE), 'utf8'));
    return typeof generator === 'string' && generator.startsWith(GENERATOR);
  } catch {
    return false;
  }
}

/** Remove what a run for the same folder left here that was killed. */
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

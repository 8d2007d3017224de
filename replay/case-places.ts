/** Which files and folders of a case a run reads, and refuses to write there: its expectation would be lost. */
import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { shownPath } from '../codecs/text.js';
import { nativePath } from '../io/path.js';
import { CASE_FILE } from './case-options.js';
import { ReplayOptionsError } from './errors.js';
import { CONVENTIONAL_FILES, filesOf, type GoldenCase } from './golden-case.js';

/** What a run reads: files, which need not exist, and folders with all that will ever be in them. */
export interface ReadPlaces {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Folders in a case in which every file has a meaning. */
const FOLDERS = ['in', 'want'];

/** What a replay of the case in DIR reads, or would read if it were there. GOLDEN: the case, if it can be read. */
export function placesOf(dir: string, golden: GoldenCase | undefined): ReadPlaces {
  // Nothing tells which of its files a case names that cannot be read, and a result folder consists of what it expects.
  if (golden === undefined || golden.made !== undefined)
    return { files: golden === undefined ? [] : filesOf(golden), folders: [dir] };
  return {
    files: [...[...CONVENTIONAL_FILES, CASE_FILE].map((name) => join(dir, name)), ...filesOf(golden)],
    folders: FOLDERS.map((name) => join(dir, name)),
  };
}

/**
 * Throws if writing the file PATH would change what is read at PLACES, by these or by other names (links).
 * WRITTEN: the option and its value, for the message.
 * @throws {ReplayOptionsError}
 */
export function refuseWritingInto({ files, folders }: ReadPlaces, path: string, written: string): void {
  const there = statOf(path);
  const target = realTarget(path);
  const isFile = (file: string): boolean => realTarget(file) === target || isSame(statOf(file), there);
  const file = files.find(isFile);
  if (file !== undefined)
    throw new ReplayOptionsError(`${written}: this run reads ${shownPath(file)}; write to another place`);
  const folder = folders.find((one) => isWithin(path, one));
  if (folder === undefined) return;
  throw new ReplayOptionsError(
    `${written}: this run reads what is in ${shownPath(folder)}; write to a place that is not within it`,
  );
}

/**
 * Throws if the folder DIR, which is written or replaced as a whole, is in the case CASE_DIR, or has it in it.
 * WRITTEN: the option and its value, for the message.
 * @throws {ReplayOptionsError}
 */
export function refuseFolderInCase(caseDir: string, dir: string, written: string): void {
  if (isWithin(dir, caseDir))
    throw new ReplayOptionsError(
      `${written}: ${shownPath(dir)} is within the case ${shownPath(caseDir)}; give a folder beside it`,
    );
  if (isWithin(caseDir, dir))
    throw new ReplayOptionsError(
      `${written}: ${shownPath(dir)} has the case ${shownPath(caseDir)} in it, which would be replaced; ` +
        'give another folder',
    );
}

/** Whether PATH is FOLDER or in it, by whatever names. */
export function isWithin(path: string, folder: string): boolean {
  const from = realTarget(folder);
  const [first] = relative(from, realTarget(path)).split(sep);
  return first !== '..';
}

/** Where a file that is written at PATH comes to be: links to folders are followed, but one at PATH is replaced. */
function realTarget(path: string): string {
  const absolute = resolve(path);
  const real = realPath(absolute);
  if (real !== undefined && !isLinkToFile(absolute)) return real;
  const parent = dirname(absolute);
  return parent === absolute ? absolute : join(realTarget(parent), basename(absolute));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(nativePath(path), 'utf8');
  } catch {
    return undefined;
  }
}

function isLinkToFile(path: string): boolean {
  const isLink = lstatSync(nativePath(path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink && statOf(path)?.isDirectory() !== true;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(nativePath(path));
  } catch {
    return undefined;
  }
}

/** Whether they are one regular file. */
function isSame(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.isFile() && a.dev === b.dev && a.ino === b.ino;
}

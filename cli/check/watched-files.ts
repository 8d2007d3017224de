/**
 * Notices that files of cases have changed (`--watch`). Asking for their times is slower than inotify, but always
 * works.
 */
import { type Stats, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { namesIn, nativePath } from '../../io/path.js';

/** Folders in a case that are looked into, and entries that are looked at: a case has few of both. */
const MOST_DEPTH = 4;
const MOST_ENTRIES = 10_000;

/** What changes whenever one of the files at PATHS, or in the folders there, does. BUT: what is left out of that. */
export function stateOf(paths: readonly string[], but: readonly string[] = []): string {
  const entries: string[] = [];
  const left = but.map((path) => resolve(path));
  for (const path of paths) visit(path, 0, entries, left);
  return entries.join('\n');
}

function visit(path: string, depth: number, entries: string[], but: readonly string[]): void {
  if (entries.length >= MOST_ENTRIES || but.some((left) => isWithin(resolve(path), left))) return;
  const stat = statOf(path);
  if (stat === undefined || !stat.isDirectory()) {
    entries.push(`${path} ${stat === undefined ? 'missing' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`}`);
    return;
  }
  entries.push(path);
  if (depth >= MOST_DEPTH) return;
  // Hidden entries are of editors, and of results that are being written.
  for (const name of namesOf(path)) if (!name.startsWith('.')) visit(join(path, name), depth + 1, entries, but);
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

function statOf(path: string): Stats | undefined {
  try {
    return statSync(nativePath(path));
  } catch {
    return undefined;
  }
}

function namesOf(path: string): string[] {
  try {
    return namesIn(path);
  } catch {
    return [];
  }
}

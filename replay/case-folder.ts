/**
 * Files of a golden case are within its folder. A case may come from anybody: what it names outside is not read, also
 * not by way of a link, as errors about a file show parts of it.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { shownPath } from '../codecs/text.js';
import { nativePath } from '../io/path.js';
import { ReplayOptionsError } from './errors.js';

/**
 * The path of the file that a case in DIR calls GIVEN. LABEL: who names it, for messages.
 * @throws {ReplayOptionsError} if it leads out of DIR
 */
export function fileInCase(dir: string, given: string, label: string): string {
  const path = join(dir, given);
  if (isAbsolute(given) || leavesFolder(relative(dir === '' ? '.' : dir, path))) {
    throw new ReplayOptionsError(
      `${label} ${shownPath(given)}: this leads out of the folder of the case; expected a file within it, ` +
        'relative to that folder',
    );
  }
  refuseLinkOut(dir, path);
  return path;
}

/**
 * Refuses PATH, which is written as a file in the folder DIR, if links lead out of DIR.
 * @throws {ReplayOptionsError}
 */
export function refuseLinkOut(dir: string, path: string): void {
  const folder = realPath(dir);
  const real = realPath(existingPart(path, dir));
  if (folder === undefined || real === undefined || !leavesFolder(relative(folder, real))) return;
  throw new ReplayOptionsError(
    `${shownPath(path)}: this link leads out of the folder of the case, to ${shownPath(real)}; expected a file ` +
      'within it',
  );
}

/** PATH, or the nearest folder above it that exists, up to DIR. */
function existingPart(path: string, dir: string): string {
  let part = path;
  while (part !== dir && part !== dirname(part) && !hasEntry(part)) part = dirname(part);
  return part;
}

/** Whether there is something at PATH, if only a link that leads nowhere. */
function hasEntry(path: string): boolean {
  try {
    lstatSync(nativePath(path));
    return true;
  } catch {
    return false;
  }
}

/** Undefined: it does not exist. Whoever opens it says so. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(nativePath(path), 'utf8');
  } catch {
    return undefined;
  }
}

const leavesFolder = (path: string): boolean => path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);

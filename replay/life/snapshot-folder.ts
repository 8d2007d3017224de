/** Folders with snapshots of the emulated host, as `--at WHEN=snapshot:DIR` writes them and `--host DIR` reads them. */
import { statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { namesIn, nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { CONNTRACK_FILE, DOCKER_FILE, HOST_FILE, NAMES_FILE, RULES_FILE, SETS_FILE } from './host-folder.js';

/** The file that tells such a folder from a snapshot that was taken elsewhere. */
export const MARKER_FILE = 'snapshot.json';
const GENERATOR = 'nfreplay ';

const FILES = [MARKER_FILE, HOST_FILE, RULES_FILE, CONNTRACK_FILE, SETS_FILE, NAMES_FILE, DOCKER_FILE];

/**
 * Whether `snapshot:PATH` means a folder to write: there is none yet, it is empty, or a replay has written it. Anything
 * else is read. What has an extension, as files have, is not taken for the name of a folder.
 */
export function isToBeWritten(path: string): boolean {
  const stat = path === '-' ? undefined : statSync(nativePath(path), { throwIfNoEntry: false });
  if (stat === undefined) return path !== '-' && !/^\.(?:json|txt|log|out|snapshot|gz|zst)$/i.test(extname(path));
  return stat.isDirectory() && (namesIn(path).length === 0 || isOwn(path));
}

/** Whether PATH is a host that `nfreplay docker` wrote, which `snapshot:PATH` reads. */
export function isHostWithDocker(path: string): boolean {
  const isFolder = path !== '-' && statSync(nativePath(path), { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder && namesIn(path).includes(DOCKER_FILE);
}

function isOwn(folder: string): boolean {
  return whenOfSnapshot(folder) !== undefined;
}

/** The WHEN of the `--at` that wrote the snapshot in FOLDER, as it was given; undefined if no replay has written it. */
export function whenOfSnapshot(folder: string): string | undefined {
  const path = join(folder, MARKER_FILE);
  if (statSync(nativePath(path), { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  try {
    const { generator, when } = JSON.parse(readText(path));
    const isOurs = typeof generator === 'string' && generator.startsWith(GENERATOR);
    return isOurs ? String(when ?? '') : undefined;
  } catch {
    return undefined;
  }
}

/** The name of a file in FOLDER that no replay has written; undefined if there is none. */
export function foreignInSnapshot(folder: string): string | undefined {
  const names = namesIn(folder);
  if (names.length > 0 && !isOwn(folder)) return names[0];
  return names.find((name) => !FILES.includes(name));
}

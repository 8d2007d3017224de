/** Reads a host: a file, or a folder with the outputs of commands. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { memberOfFile } from '../codecs/host/outputs.js';
import { type HostSource, readHost, readHostFolder } from '../codecs/host/parse-host.js';
import type { LiveOptions } from './capture-file.js';
import { type FileRecord, recordFile } from './file-record.js';
import { namesIn, nativePath, refuseIrregular } from './path.js';
import { readText } from './text-file.js';

const HOST_FILE = 'host.json';

/**
 * The host at PATH: JSON or a snapshot (`-`: from standard input), or a folder.
 * @throws {FileError} if it cannot be read
 * @throws {HostError} if it is no host
 * @throws {InterruptedError} as readText
 */
export function readHostAt(path: string, options: LiveOptions = {}): HostSource {
  if (!isFolder(path)) return readHost(readText(path, options), path);
  const files = hostFilesIn(path).map((name) => {
    const file = join(path, name);
    return { member: name === HOST_FILE ? undefined : memberOfFile(name), path: file, text: readText(file, options) };
  });
  return readHostFolder(files, path);
}

/** The files that are read of the host at PATH. */
export function filesOfHost(path: string): string[] {
  return isFolder(path) ? hostFilesIn(path).map((name) => join(path, name)) : [path];
}

/** The record of the host at PATH. */
export function recordHost(path: string): FileRecord & { files?: FileRecord[] } {
  return isFolder(path) ? { path, files: filesOfHost(path).map(recordFile) } : recordFile(path);
}

/**
 * The names of the files in FOLDER that describe a host.
 * @throws {FileError} if one of them is not a regular file
 */
function hostFilesIn(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name === HOST_FILE || memberOfFile(name) !== undefined);
  for (const name of names) refuseIrregular(join(folder, name));
  return names;
}

function isFolder(path: string): boolean {
  return path !== '-' && statSync(nativePath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

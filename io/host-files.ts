/** Reads a host: a file, or a folder with the outputs of commands. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { documentOf, documentOfFolder, type HostDocument, type HostFile } from '../codecs/host/document.js';
import { memberOfFile } from '../codecs/host/outputs.js';
import { type HostSource, readHost, readHostFolder } from '../codecs/host/parse-host.js';
import type { LiveOptions } from './capture-file.js';
import { type FileRecord, recordFile } from './file-record.js';
import { isThere, namesIn, nativePath, refuseIrregular } from './path.js';
import { readText } from './text-file.js';

const HOST_FILE = 'host.json';
const DOCKER_FILE = 'docker.json';
/** What a folder may have besides: what the Docker engine there knows, and names for addresses. */
const COMPANIONS = [DOCKER_FILE, 'names'];

/**
 * The host at PATH: JSON or a snapshot (`-`: from standard input), or a folder.
 * @throws {FileError} if it cannot be read
 * @throws {HostError} if it is no host
 * @throws {InterruptedError} as readText
 */
export function readHostAt(path: string, options: LiveOptions = {}): HostSource {
  return isHostFolder(path) ? readHostFolder(filesIn(path, options), path) : readHost(readText(path, options), path);
}

/** The same host as a JSON object, with the members of a host.json. Throws the same, but for what is in its members. */
export function readHostDocument(path: string, options: LiveOptions = {}): HostDocument {
  return isHostFolder(path)
    ? documentOfFolder(filesIn(path, options), path)
    : documentOf(readText(path, options), path);
}

function filesIn(folder: string, options: LiveOptions): HostFile[] {
  return namesOf(folder, isOfHost).flatMap((name) => {
    const file = join(folder, name);
    const text = readText(file, options);
    if (name === DOCKER_FILE && isEngineState(text)) return [];
    return { member: name === HOST_FILE ? undefined : memberOfFile(name), path: file, text };
  });
}

/** Whether TEXT is what nfreplay knows of an engine; else it is what docker inspect printed. */
function isEngineState(text: string): boolean {
  return /^\s*\{\s*"schema"\s*:/.test(text);
}

/** The files that are read of the host at PATH. */
export function filesOfHost(path: string): string[] {
  if (!isHostFolder(path)) return [path, ...companionsOf(path)];
  return namesOf(path, (name) => isOfHost(name) || COMPANIONS.includes(name)).map((name) => join(path, name));
}

/** What the Docker engine of the host in PATH, a host.json, knows: the file beside it, if it is there. */
export function companionsOf(path: string): string[] {
  const file = join(dirname(path), DOCKER_FILE);
  return path !== '-' && basename(path) === HOST_FILE && isThere(file) ? [file] : [];
}

/** The record of the host at PATH. */
export function recordHost(path: string): FileRecord & { files?: FileRecord[] } {
  const files = filesOfHost(path).map(recordFile);
  if (isHostFolder(path)) return { path, files };
  return files.length === 1 ? files[0] : { ...files[0], files };
}

function isOfHost(name: string): boolean {
  return name === HOST_FILE || memberOfFile(name) !== undefined;
}

/**
 * The names of the files in FOLDER that are WANTED.
 * @throws {FileError} if one of them is not a regular file
 */
function namesOf(folder: string, isWanted: (name: string) => boolean): string[] {
  const names = namesIn(folder).filter(isWanted);
  for (const name of names) refuseIrregular(join(folder, name));
  return names;
}

/** Whether the host at PATH is a folder of outputs. */
export function isHostFolder(path: string): boolean {
  return path !== '-' && statSync(nativePath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

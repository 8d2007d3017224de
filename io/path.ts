/** Names of files whose bytes are not UTF-8 (codecs/text.ts), such as the capture of an interface with such a name. */
import { existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { decodeText, encodeText } from '../codecs/text.js';
import { errorCode, FileError, systemMessage } from './file-error.js';

/** PATH as the functions of node:fs take it. */
export function nativePath(path: string): string | Buffer {
  return /\p{Cs}/u.test(path) ? Buffer.from(encodeText(path)) : path;
}

/**
 * The names in DIR, sorted.
 * @throws {FileError} if it is not a folder that can be read
 */
export function namesIn(dir: string): string[] {
  try {
    return readdirSync(nativePath(dir), { encoding: 'buffer' }).map(decodeText).sort();
  } catch (error) {
    if (errorCode(error) === '') throw error;
    const isFile = errorCode(error) === 'ENOTDIR';
    throw new FileError(`${dir}: ${isFile ? 'not a folder' : `cannot read the folder: ${systemMessage(error)}`}`);
  }
}

/**
 * Refuses PATH if something is there that is not a regular file, before anybody opens it: that could wait for ever. A
 * missing file is left to those who open it.
 * @throws {FileError}
 */
export function refuseIrregular(path: string): void {
  let stat: Stats;
  try {
    stat = statSync(nativePath(path));
  } catch {
    return;
  }
  if (stat.isFile()) return;
  const found = stat.isDirectory() ? 'a folder' : stat.isFIFO() ? 'a pipe' : 'a device or a socket';
  throw new FileError(`${path} is ${found}; expected a file`);
}

/** Whether there is something at PATH. */
export function isThere(path: string): boolean {
  return existsSync(nativePath(path));
}

/** The path of the file at PATH from the folder DIR on, with `/`; undefined if it is not in it. */
export function pathWithin(dir: string, path: string): string | undefined {
  const within = relative(dir, path);
  return within === '' || within === '..' || within.startsWith('../') || within.startsWith('/') ? undefined : within;
}

/** The path from the folder DIR on of the file in it that is called GIVEN there; undefined if there is none. */
export function fileWithin(dir: string, given: string): string | undefined {
  const path = join(dir, given);
  // Of a name that is too long, statSync throws.
  if (isAbsolute(given) || !isThere(path) || !statSync(nativePath(path)).isFile()) return undefined;
  return pathWithin(dir, path);
}

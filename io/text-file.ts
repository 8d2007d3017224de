/** Text files, read and written whole. Bytes that are not UTF-8 are kept (codecs/text.ts). */
import { readFileSync, writeFileSync } from 'node:fs';
import { decodeText, encodeText } from '../codecs/text.js';
import { errorCode, FileError, systemMessage } from './file-error.js';
import { nativePath } from './path.js';

const STANDARD_INPUT = 0;

/**
 * Reads the text at PATH; `-` is standard input.
 * @throws {FileError} if it cannot be read
 */
export function readText(path: string): string {
  try {
    return decodeText(readFileSync(path === '-' ? STANDARD_INPUT : nativePath(path)));
  } catch (error) {
    throw textFileError(error, path, 'read');
  }
}

/** @throws {FileError} if PATH cannot be written */
export function writeText(path: string, text: string | Uint8Array, flag = 'w'): void {
  try {
    writeFileSync(nativePath(path), typeof text === 'string' ? encodeText(text) : text, { flag });
  } catch (error) {
    throw textFileError(error, path, 'write');
  }
}

/** ERROR, which the file system threw about PATH, in plain words. Any other error is rethrown. */
function textFileError(error: unknown, path: string, verb: 'read' | 'write'): FileError {
  if (errorCode(error) === '') throw error;
  return new FileError(`${path === '-' ? 'standard input' : path}: cannot ${verb}: ${systemMessage(error)}`);
}

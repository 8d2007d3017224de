/** Text files, read and written whole. Bytes that are not UTF-8 are kept (codecs/text.ts). */
import { fstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { decodeText, encodeText } from '../codecs/text.js';
import { FileSource, type LiveOptions } from './capture-file.js';
import { errorCode, FileError, InterruptedError, systemMessage } from './file-error.js';
import { nativePath } from './path.js';

const STANDARD_INPUT = 0;
/** How much of a pipe is read at once. */
const PIECE_BYTES = 1 << 16;

/**
 * Reads the text at PATH; `-` is standard input.
 * @throws {FileError} if it cannot be read
 * @throws {InterruptedError} if a live input is ended: half of a text is worse than none
 */
export function readText(path: string, { hasEnded }: LiveOptions = {}): string {
  try {
    if (hasEnded !== undefined && !isFile(path)) return decodeText(readLive(path, hasEnded));
    return decodeText(readFileSync(path === '-' ? STANDARD_INPUT : nativePath(path)));
  } catch (error) {
    throw textFileError(error, path, 'read');
  }
}

/** Whether PATH, or standard input for `-`, can be read again: it is no pipe, terminal or device. */
export function isReadAgain(path: string): boolean {
  try {
    return isFile(path);
  } catch {
    // A pattern, or a missing file, of which whoever reads it tells.
    return true;
  }
}

function isFile(path: string): boolean {
  return (path === '-' ? fstatSync(STANDARD_INPUT) : statSync(nativePath(path))).isFile();
}

function readLive(path: string, hasEnded: () => boolean): Uint8Array {
  const source = new FileSource(path, { hasEnded });
  try {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const piece = new Uint8Array(PIECE_BYTES);
      const count = source.read(piece, 0, PIECE_BYTES);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
    }
    if (hasEnded()) throw new InterruptedError(path);
    return Buffer.concat(pieces);
  } finally {
    source.close();
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
  return new FileError(`${path === '-' ? 'standard input' : path}: cannot ${verb}: ${systemMessage(error)}`, error);
}

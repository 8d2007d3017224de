/** Text files, read and written whole. Bytes that are not UTF-8 are kept (codecs/text.ts). */
import { readFileSync, writeFileSync } from 'node:fs';
import { decodeText, encodeText } from '../codecs/text.js';
import { fileSystemError } from './file-error.js';
import { nativePath } from './path.js';

const STANDARD_INPUT = 0;

/**
 * Reads the text at PATH; `-` is standard input.
 * @throws {CaptureError} if it cannot be read
 */
export function readText(path: string): string {
  try {
    return decodeText(readFileSync(path === '-' ? STANDARD_INPUT : nativePath(path)));
  } catch (error) {
    throw fileSystemError(error, path, 'read');
  }
}

/** @throws {CaptureError} if PATH cannot be written */
export function writeText(path: string, text: string | Uint8Array, flag = 'w'): void {
  try {
    writeFileSync(nativePath(path), typeof text === 'string' ? encodeText(text) : text, { flag });
  } catch (error) {
    throw fileSystemError(error, path, 'write');
  }
}

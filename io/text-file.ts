/** Text files, read and written whole. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileSystemError } from './file-error.js';

/** @throws {CaptureError} if PATH cannot be read */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileSystemError(error, path, 'read');
  }
}

/** @throws {CaptureError} if PATH cannot be written */
export function writeText(path: string, text: string | Uint8Array, flag = 'w'): void {
  try {
    writeFileSync(path, text, { flag });
  } catch (error) {
    throw fileSystemError(error, path, 'write');
  }
}

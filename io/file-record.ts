/** Records the identity of an input file, so that a later run can detect whether it has changed. */
import type { Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { nativePath } from './path.js';

const require = createRequire(import.meta.url);

/** Larger files are not hashed as a whole: that would take longer than replaying them. */
const WHOLE_BYTES = 2 ** 22;
/** How much of the beginning and of the end of a larger file is hashed. */
const SAMPLE_BYTES = 2 ** 16;

/** An input file. */
export interface FileRecord {
  /** The path as the user gave it; `-` is standard input. */
  path: string;
  /** This and the hashes are absent for inputs without a size, such as a pipe. */
  sizeBytes?: number;
  sha256?: string;
  /** In place of `sha256` for a file of more than 4 MiB: the hash of its first and last 64 KiB. */
  sampleSha256?: string;
}

/** The record of the file at PATH; only its path if it cannot be read as a file. */
export function recordFile(path: string): FileRecord {
  if (path === '-') return { path };
  let fd: number;
  try {
    // Opening a pipe again could wait for ever.
    if (!statSync(nativePath(path)).isFile()) return { path };
    fd = openSync(nativePath(path), 'r');
  } catch {
    return { path };
  }
  try {
    const sizeBytes = fstatSync(fd).size;
    // Loaded here because every start would take some milliseconds longer with an `import`.
    const { createHash }: typeof import('node:crypto') = require('node:crypto');
    const hash = createHash('sha256');
    if (sizeBytes <= WHOLE_BYTES) {
      update(hash, fd, 0, sizeBytes);
      return { path, sizeBytes, sha256: hash.digest('hex') };
    }
    update(hash, fd, 0, SAMPLE_BYTES);
    update(hash, fd, sizeBytes - SAMPLE_BYTES, SAMPLE_BYTES);
    return { path, sizeBytes, sampleSha256: hash.digest('hex') };
  } finally {
    closeSync(fd);
  }
}

function update(hash: Hash, fd: number, at: number, length: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(length, SAMPLE_BYTES));
  for (let done = 0; done < length; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, length - done), at + done);
    if (count === 0) return;
    hash.update(buffer.subarray(0, count));
    done += count;
  }
}

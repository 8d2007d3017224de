/** What is recorded of an input file, so that it can be seen later whether it has changed. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A longer file is not hashed as a whole: that would take longer than its replay. */
const WHOLE_BYTES = 2 ** 24;
/** How much of the beginning and of the end of a longer file is hashed. */
const SAMPLE_BYTES = 2 ** 20;

/** An input file. */
export interface FileRecord {
  /** As it was given; `-` is standard input. */
  path: string;
  /** What follows is left out of what has no size, such as a pipe. */
  sizeBytes?: number;
  sha256?: string;
  /** Instead of `sha256`, of a file of more than 16 MiB: of its first and its last MiB. */
  sampleSha256?: string;
}

/** The record of the file at PATH; of what cannot be read as a file, its path only. */
export function recordFile(path: string): FileRecord {
  if (path === '-') return { path };
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return { path };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { path };
    const sizeBytes = stat.size;
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

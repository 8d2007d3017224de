/** What the file system reports, in plain words. */
import { CaptureError } from '../codecs/capture-error.js';

/** A file or folder that cannot be read or written, or that is not what it should be. */
export class FileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FileError';
  }
}

const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a directory, a capture file is wanted',
  ENOTDIR: 'a part of this path is not a directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open (see ulimit -n)',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file has become larger than its file system allows',
  EPIPE: 'the reader of the pipe has gone',
  EIO: 'the device reports an input/output error',
};

/**
 * ERROR, thrown by the file system about PATH, as a CaptureError in plain words. VERB is what was tried: 'open',
 * 'read', 'write'. Anything that does not come from the file system is rethrown as it is.
 */
export function fileSystemError(error: unknown, path: string, verb: string): CaptureError {
  const code = errorCode(error);
  if (code === '') throw error;
  return new CaptureError(path, -1, `cannot ${verb} it: ${SYSTEM_ERRORS[code] ?? (error as Error).message}`);
}

/** The code of a system error (ENOENT …), '' where ERROR is none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

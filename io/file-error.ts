/** Errors of the file system in plain words. */
import { CaptureError } from '../codecs/capture-error.js';
import { shown } from '../codecs/text.js';

/** A file or folder that cannot be read or written, or that is not what it should be. */
export class FileError extends Error {
  /** CAUSE: what the file system threw. */
  constructor(message: string, cause?: unknown) {
    super(shown(message), cause === undefined ? undefined : { cause });
    this.name = 'FileError';
  }
}

/** The reader of standard output has seen enough and closed it, as `head` does. */
export class ClosedPipeError extends CaptureError {
  constructor(path: string) {
    super(path, -1, 'the reader has closed the pipe');
    this.name = 'ClosedPipeError';
  }
}

/** The user has ended an input before its first packet, or one that is of no use without its end. */
export class InterruptedError extends CaptureError {
  constructor(path: string) {
    super(path, -1, 'interrupted before the end');
    this.name = 'InterruptedError';
  }
}

const SYSTEM_ERRORS: Record<string, string> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a component of the path is not a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open (see ulimit -n)',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than the file system allows',
  EIO: 'input/output error',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EXDEV: 'it cannot be renamed within its file system',
  EBUSY: 'it is in use, for example as a mount point',
};

/**
 * Converts ERROR, which the file system threw about the capture PATH, to a CaptureError in plain words. VERB is the
 * failed operation: 'open', 'read' or 'write'. Any other error is rethrown.
 */
export function fileSystemError(error: unknown, path: string, verb: string): CaptureError {
  const code = errorCode(error);
  if (code === '') throw error;
  if (code === 'EPIPE') return new ClosedPipeError(path);
  const found = new CaptureError(path, -1, `cannot ${verb}: ${systemMessage(error)}`);
  found.cause = error;
  return found;
}

const FULL_DISK = ['ENOSPC', 'EDQUOT'];

/** Whether ERROR, or what has caused it, says that there is no space for a file. */
export function isOfFullDisk(error: unknown): boolean {
  return FULL_DISK.includes(errorCode(error)) || (error instanceof Error && FULL_DISK.includes(errorCode(error.cause)));
}

/** ERROR in plain words. */
export function systemMessage(error: unknown): string {
  return SYSTEM_ERRORS[errorCode(error)] ?? (error instanceof Error ? error.message : String(error));
}

/** The code of a system error (ENOENT …); '' if ERROR is not one. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

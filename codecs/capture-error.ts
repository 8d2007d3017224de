/** What is wrong with a capture file, and where. */

/**
 * A capture that cannot be read or written. `message` is a whole line for the user: the file, the byte, what was there,
 * what was wanted, and what to do about it.
 */
export class CaptureError extends Error {
  /** The file as the user named it; '-' is standard input. */
  readonly path: string;
  /** Where in the file it went wrong, in bytes from its start; -1 where the file as a whole is meant. */
  readonly byteOffset: number;

  constructor(path: string, byteOffset: number, problem: string) {
    super(`${displayPath(path)}: ${byteOffset < 0 ? '' : `byte ${byteOffset}: `}${problem}`);
    this.name = 'CaptureError';
    this.path = path;
    this.byteOffset = byteOffset;
  }
}

/** The end of a capture that was still being written, or was copied only in part: no error, what is whole is delivered. */
export interface CaptureCut {
  /** Where the record starts that is not whole, in bytes from the start of the file. */
  readonly byteOffset: number;
  /** A whole line for the user. */
  readonly message: string;
}

/** The cut at BYTE_OFFSET of PATH, whose last record has only THERE of WANTED bytes. */
export function captureCut(path: string, byteOffset: number, there: number, wanted: number, what: string): CaptureCut {
  return {
    byteOffset,
    message:
      `${displayPath(path)}: byte ${byteOffset}: the capture is cut in the middle of ${what}: ` +
      `${there} of ${wanted} bytes are there; it is read up to here`,
  };
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
 * ERROR, thrown by the file system about PATH, as a CaptureError in plain words. VERB is what was tried: 'open', 'read',
 * 'write'. Anything that does not come from the file system is rethrown as it is.
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

/** PATH as a user wants to read it. */
export function displayPath(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/** Errors in capture files. */
import { shown, shownPath } from './text.js';

/**
 * A capture that cannot be read or written. `message` is a whole line for the user: the file, the byte, what was found,
 * what was expected, and what to do about it.
 */
export class CaptureError extends Error {
  /** The file as the user named it; '-' is standard input. */
  readonly path: string;
  /** The position of the error in the file, in bytes; -1 if the error concerns the whole file. */
  readonly byteOffset: number;

  constructor(path: string, byteOffset: number, problem: string) {
    super(`${shownPath(path)}: ${byteOffset < 0 ? '' : `byte ${byteOffset}: `}${shown(problem)}`);
    this.name = 'CaptureError';
    this.path = path;
    this.byteOffset = byteOffset;
  }
}

/**
 * A capture that ends in the middle of a record, because it was still being written or was copied only in part. This is
 * not an error: all complete records are delivered.
 */
export interface CaptureCut {
  /** Where the incomplete record starts, in bytes from the start of the file. */
  readonly byteOffset: number;
  /** A whole line for the user. */
  readonly message: string;
}

/** Describes a cut at BYTE_OFFSET of PATH, where only AVAILABLE of EXPECTED bytes of WHAT are left. */
export function captureCut(
  path: string,
  byteOffset: number,
  available: number,
  expected: number,
  what: string,
): CaptureCut {
  return {
    byteOffset,
    message:
      `${shownPath(path)}: byte ${byteOffset}: the capture is truncated in the middle of ${what}: ` +
      `only ${available} of ${expected} bytes are left; it was read up to here`,
  };
}

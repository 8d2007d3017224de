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

/**
 * The end of a capture that was still being written, or was copied only in part: no error, what is whole is delivered.
 */
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

/** PATH as a user wants to read it. */
function displayPath(path: string): string {
  return path === '-' ? 'standard input' : path;
}

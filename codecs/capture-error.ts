/** Errors in capture files. */
import { counted, shown, shownPath } from './text.js';

/** Why a capture is read no further. */
export interface CaptureStop {
  /** The file as the user named it; '-' is standard input. */
  readonly path: string;
  /** Where, in bytes from the start of the file; -1 if it concerns the whole file. */
  readonly byteOffset: number;
  /** Whether the offset is that in the decompressed data. */
  readonly isDecompressed: boolean;
  readonly problem: string;
}

/**
 * A capture that cannot be read or written. `message` is a whole line for the user: the file, the byte, what was found,
 * what was expected, and what to do about it.
 */
export class CaptureError extends Error implements CaptureStop {
  readonly path: string;
  readonly byteOffset: number;
  readonly problem: string;
  readonly isDecompressed: boolean;

  constructor(path: string, byteOffset: number, problem: string, isDecompressed = false) {
    super(messageOf({ path, byteOffset, problem, isDecompressed }));
    this.name = 'CaptureError';
    this.path = path;
    this.byteOffset = byteOffset;
    this.problem = problem;
    this.isDecompressed = isDecompressed;
  }
}

function messageOf({ path, byteOffset, problem, isDecompressed }: CaptureStop): string {
  const byte = byteOffset < 0 ? '' : `byte ${byteOffset}${isDecompressed ? ' (decompressed)' : ''}: `;
  return `${shownPath(path)}: ${byte}${shown(problem)}`;
}

/**
 * A capture that ends in the middle of a record, because it was still being written or was copied only in part, or that
 * is damaged there. This is not an error: all packets before are delivered.
 */
export interface CaptureCut {
  /** The file as the user named it. */
  readonly path: string;
  /** Where the incomplete or damaged record starts, in bytes from the start of the file. */
  readonly byteOffset: number;
  /** How many packets of this file were read. */
  readonly packets: number;
  /** A whole line for the user. */
  readonly message: string;
}

/** Describes STOP, after PACKETS packets of the file. */
export function captureCut(stop: CaptureStop, packets: number): CaptureCut {
  const { path, byteOffset } = stop;
  return {
    path,
    byteOffset,
    packets,
    message: `${messageOf(stop)}; it was read up to here: ${counted(packets, 'packet')}`,
  };
}

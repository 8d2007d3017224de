/** Where codecs read from and write to. `io/` implements both for files and pipes; this file, in memory. */

/** Bytes read from front to back. */
export interface ByteSource {
  /** The name in messages: the file as the user named it, `-` for standard input. */
  readonly path: string;
  /** The number of bytes, compressed if they are; -1 if unknown, as for a pipe. */
  readonly totalBytes: number;
  /** How many of `totalBytes` have been read. Default: as many as `read` has returned. */
  readonly consumedBytes?: number | undefined;
  /** Whether `read` decompresses. Default: no. */
  readonly isDecompressed?: boolean;
  /** Why `read` has returned 0, if that is not the regular end: compressed data is cut or damaged. */
  readonly problem?: string | undefined;
  /** Reads up to LENGTH bytes into BYTES at AT; returns how many, 0 at the end. */
  read(bytes: Uint8Array, at: number, length: number): number;
  /** Goes on to the next of several files; returns false if this was the last. Default: there is only one. */
  nextFile?(): boolean;
  close(): void;
}

/** Takes bytes in sequence. */
export interface ByteSink {
  /** The name in messages. */
  readonly path: string;
  /** Writes all LENGTH bytes of BYTES from AT on. The caller may overwrite BYTES afterwards. */
  write(bytes: Uint8Array, at: number, length: number): void;
  close(): void;
}

/** A source that reads BYTES; PATH is its name in messages. */
export function sourceOf(bytes: Uint8Array, path = 'memory'): ByteSource {
  let position = 0;
  return {
    path,
    totalBytes: bytes.length,
    read(target, at, length) {
      const count = Math.min(length, bytes.length - position);
      target.set(bytes.subarray(position, position + count), at);
      position += count;
      return count;
    },
    close() {},
  };
}

/** Keeps what is written in memory. */
export class MemorySink implements ByteSink {
  readonly path = 'memory';
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  write(bytes: Uint8Array, at: number, length: number): void {
    this.#pieces.push(bytes.slice(at, at + length));
    this.#length += length;
  }

  close(): void {}

  /** Everything that has been written. */
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

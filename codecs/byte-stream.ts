/** Where codecs read from and write to. `io/` has both for files and pipes; these are the ones in memory. */

/** Bytes that are read from front to back. */
export interface ByteSource {
  /** What messages call it: the file as the user named it, `-` for standard input. */
  readonly path: string;
  /** How many bytes there are; -1 where that is not known, as with a pipe. */
  readonly totalBytes: number;
  /** Reads up to LENGTH bytes into BYTES from AT on; returns how many, 0 at the end. */
  read(bytes: Uint8Array, at: number, length: number): number;
  close(): void;
}

/** Takes bytes that are written one behind the other. */
export interface ByteSink {
  /** What messages call it. */
  readonly path: string;
  /** Writes LENGTH bytes of BYTES from AT on, all of them. BYTES may be overwritten afterwards. */
  write(bytes: Uint8Array, at: number, length: number): void;
  close(): void;
}

/** Reads BYTES; PATH is what messages call them. */
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

/** hot: the window through which a capture file is read, in blocks, from front to back. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CaptureError, errorCode, fileSystemError } from './capture-error.js';

/** What is read at once, in bytes. Larger blocks were measured to be slower: they fall out of the cache. */
export const BLOCK_BYTES = 1 << 18;

/**
 * The largest packet that is believed, in bytes captured (libpcap's MAXIMUM_SNAPLEN): where more are announced, the file
 * is damaged.
 */
export const MAX_CAPLEN_BYTES = 262_144;

/** Gives so many bytes, all zeros, for a buffer; undefined where it has none left. */
export type Allocate = (length: number) => Uint8Array | undefined;

/** Spare bytes in front of the first byte read, so that there is room for a link header before any packet. */
const HEADROOM_BYTES = 64;

const STANDARD_INPUT = 0;

/** How long to wait before asking a non-blocking standard input again. */
const RETRY_MS = 5;

/**
 * A file, read in blocks into one buffer. What a record still lacks at the end of a block is read behind its beginning,
 * which is first moved to the front of the buffer; so a record always lies in one piece. The buffer grows only where
 * one record is larger.
 *
 * `at` is the next byte that is not yet consumed; it is moved on by the reader of the format. Everything before it may be
 * overwritten by whoever consumes the records.
 */
export class CaptureBlocks {
  readonly path: string;
  /** Size of the file in bytes; -1 where it has none (a pipe, a device). */
  readonly totalBytes: number;
  bytes: Uint8Array;
  view: DataView;
  at = HEADROOM_BYTES;
  /** Behind the last byte that was read. */
  end = HEADROOM_BYTES;

  /** Called before bytes that were given out are moved or overwritten. */
  beforeMove: () => void = () => {};

  readonly #fd: number;
  readonly #allocate: Allocate;
  #isOpen = true;
  #readBytes = 0;
  #isAtEnd = false;

  /**
   * @param path  the file; '-' is standard input
   * @param blockBytes  how much to read at once
   * @param allocate  where the buffer is to lie, if not anywhere
   * @throws {CaptureError} where the file cannot be opened
   */
  constructor(path: string, blockBytes: number = BLOCK_BYTES, allocate?: Allocate) {
    this.path = path;
    this.#allocate = allocate ?? (() => undefined);
    try {
      this.#fd = path === '-' ? STANDARD_INPUT : openSync(path, 'r');
      const stat = fstatSync(this.#fd);
      this.totalBytes = stat.isFile() ? stat.size : -1;
    } catch (error) {
      throw fileSystemError(error, path, 'open');
    }
    this.bytes = this.#newBuffer(HEADROOM_BYTES + Math.max(blockBytes, 1));
    this.view = viewOf(this.bytes);
  }

  /** Where `at` is in the file, in bytes from its start. */
  get offset(): number {
    return this.#readBytes - (this.end - this.at);
  }

  /** How many bytes there are from `at` on, without reading more. */
  get available(): number {
    return this.end - this.at;
  }

  /** Reads until LENGTH bytes are there from `at` on, which may move; returns false if the file ends before that. */
  load(length: number): boolean {
    if (this.end - this.at >= length) return true;
    this.#makeRoom(length);
    while (!this.#isAtEnd && this.end - this.at < length) this.#read();
    return this.end - this.at >= length;
  }

  /** Move `at` on by LENGTH bytes, of which only what is there already is kept in memory; false where the file ends before. */
  skip(length: number): boolean {
    let left = length;
    while (left > this.end - this.at) {
      left -= this.end - this.at;
      this.at = this.end;
      if (!this.load(1)) return false;
    }
    this.at += left;
    return true;
  }

  /** Close the file. What was read stays readable. */
  close(): void {
    if (this.#isOpen && this.#fd !== STANDARD_INPUT) closeSync(this.#fd);
    this.#isOpen = false;
    this.#isAtEnd = true;
  }

  #makeRoom(length: number): void {
    this.beforeMove();
    const capacity = this.bytes.length - HEADROOM_BYTES;
    const old = this.bytes;
    if (length > capacity) {
      this.bytes = this.#newBuffer(HEADROOM_BYTES + Math.max(length, 2 * capacity));
      this.view = viewOf(this.bytes);
    }
    this.bytes.set(old.subarray(this.at, this.end), HEADROOM_BYTES);
    this.end = HEADROOM_BYTES + (this.end - this.at);
    this.at = HEADROOM_BYTES;
  }

  #newBuffer(length: number): Uint8Array {
    return this.#allocate(length) ?? new Uint8Array(length);
  }

  #read(): void {
    for (;;) {
      try {
        const read = readSync(this.#fd, this.bytes, this.end, this.bytes.length - this.end, null);
        if (read === 0) this.#isAtEnd = true;
        this.end += read;
        this.#readBytes += read;
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code === 'EOF') {
          // Windows says so where standard input is a closed pipe.
          this.#isAtEnd = true;
          return;
        }
        if (code !== 'EAGAIN') throw fileSystemError(error, this.path, 'read');
        sleep(RETRY_MS);
      }
    }
  }

  /** An error about the byte at `at` + RELATIVE. */
  error(problem: string, relative = 0): CaptureError {
    return new CaptureError(this.path, this.offset + relative, problem);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Wait, as there is nothing else to do: the reading side is synchronous. */
export function sleep(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

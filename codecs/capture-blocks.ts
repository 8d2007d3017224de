/** hot: the window through which a capture is read, in blocks, from front to back. */
import type { ByteSource } from './byte-stream.js';
import { CaptureError, type CaptureStop } from './capture-error.js';

/** How much to read at once, in bytes. Larger blocks proved slower: they fall out of the cache. */
export const BLOCK_BYTES = 1 << 18;

/**
 * The maximum captured length of a packet (libpcap's MAXIMUM_SNAPLEN). A record that claims more is a sign of a damaged
 * file.
 */
export const MAX_CAPLEN_BYTES = 262_144;

/** Returns a buffer of LENGTH zero bytes, or undefined if there is no room. */
export type Allocate = (length: number) => Uint8Array | undefined;

/** Spare bytes in front of the first byte read, so that there is room for a link header before any packet. */
const HEADROOM_BYTES = 64;

/**
 * Reads a source in blocks into one buffer. A record that is incomplete at the end of a block is moved to the front of
 * the buffer, and the rest of it is read after it, so that every record is contiguous. The buffer grows only if a
 * single record does not fit.
 *
 * `at` is the next byte that is not yet consumed; the reader of the format advances it. The consumer of the records may
 * overwrite everything before it.
 */
export class CaptureBlocks {
  bytes: Uint8Array;
  view: DataView;
  at = HEADROOM_BYTES;
  /** The end of what has been read. */
  end = HEADROOM_BYTES;

  /** Called before bytes of earlier records are moved or overwritten. */
  beforeMove: () => void = () => {};

  readonly #source: ByteSource;
  readonly #allocate: Allocate;
  #readBytes = 0;
  #isAtEnd = false;

  /**
   * @param blockBytes  how much to read at once
   * @param allocate  where the buffer comes from; default: the heap
   */
  constructor(source: ByteSource, blockBytes: number = BLOCK_BYTES, allocate?: Allocate) {
    this.#source = source;
    this.#allocate = allocate ?? (() => undefined);
    this.bytes = this.#newBuffer(HEADROOM_BYTES + Math.max(blockBytes, 1));
    this.view = viewOf(this.bytes);
  }

  get path(): string {
    return this.#source.path;
  }

  /** Size of all files in bytes; -1 if unknown (a pipe, a device). */
  get totalBytes(): number {
    return this.#source.totalBytes;
  }

  /** Why the file ends here, if that is not its regular end. */
  get problem(): string | undefined {
    return this.#source.problem;
  }

  /** How much of the files has been consumed. */
  get consumedBytes(): number {
    return this.#source.consumedBytes ?? this.offset;
  }

  /** The offset of `at` in the file, in bytes. */
  get offset(): number {
    return this.#readBytes - (this.end - this.at);
  }

  /** How many bytes are available from `at` on without reading more. */
  get available(): number {
    return this.end - this.at;
  }

  /**
   * Reads until LENGTH bytes are available from `at` on, which may move; returns false if the file ends before that.
   */
  load(length: number): boolean {
    if (this.end - this.at >= length) return true;
    this.#makeRoom(length);
    while (!this.#isAtEnd && this.end - this.at < length) this.#read();
    return this.end - this.at >= length;
  }

  /** Advances `at` by LENGTH bytes without keeping them in memory; returns false if the file ends before that. */
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

  /** Goes on to the next file of the source, without what is left of this one; returns false if it was the last. */
  nextFile(): boolean {
    this.at = this.end;
    if (this.#source.nextFile?.() !== true) return false;
    this.#readBytes = 0;
    this.#isAtEnd = false;
    return true;
  }

  /**
   * Why WHAT, which starts AHEAD bytes before `at` and has LENGTH bytes, is incomplete at the end of the file; null if
   * the file just ends here.
   */
  stop(length: number, what: string, ahead = 0): CaptureStop | null {
    const available = ahead + this.available;
    const { problem } = this.#source;
    if (available === 0 && problem === undefined) return null;
    const { path, isDecompressed = false } = this.#source;
    const place = { path, byteOffset: this.offset - ahead, isDecompressed };
    if (available === 0 && problem !== undefined) return { ...place, problem };
    const left = `only ${available} of ${length} bytes`;
    const truncated = `the capture is truncated in the middle of ${what}: ${left} are left`;
    return { ...place, problem: problem === undefined ? truncated : `${left} of ${what} are left; ${problem}` };
  }

  /** Closes the source. What has been read remains readable. */
  close(): void {
    this.#source.close();
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
    const read = this.#source.read(this.bytes, this.end, this.bytes.length - this.end);
    if (read === 0) this.#isAtEnd = true;
    this.end += read;
    this.#readBytes += read;
  }

  /** An error about the byte at `at` + RELATIVE. */
  error(problem: string, relative = 0): CaptureError {
    return new CaptureError(this.path, this.offset + relative, problem, this.#source.isDecompressed);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

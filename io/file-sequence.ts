/** Several files read one after another. */
import { type Stats, statSync } from 'node:fs';
import type { ByteSource } from '../codecs/byte-stream.js';
import { nativePath } from './path.js';

/** Opens each file when its turn comes, and closes it after that. */
export class FileSequence implements ByteSource {
  readonly totalBytes: number;
  readonly #paths: readonly string[];
  readonly #open: (path: string) => ByteSource;
  #number = 0;
  #current: ByteSource;
  /** The size of the files before the current one. */
  #bytesBefore = 0;
  /** How much of the current one has been read, decompressed. */
  #readBytes = 0;

  /**
   * @param paths at least one
   * @throws {CaptureError} if the first file cannot be opened
   */
  constructor(paths: readonly string[], open: (path: string) => ByteSource) {
    this.#paths = paths;
    this.#open = open;
    this.totalBytes = paths.reduce((sum, path) => {
      const bytes = sizeOf(path);
      return sum < 0 || bytes < 0 ? -1 : sum + bytes;
    }, 0);
    this.#current = open(paths[0]);
  }

  get path(): string {
    return this.#current.path;
  }

  get consumedBytes(): number {
    return this.#bytesBefore + (this.#current.consumedBytes ?? this.#readBytes);
  }

  get isDecompressed(): boolean {
    return this.#current.isDecompressed ?? false;
  }

  get problem(): string | undefined {
    return this.#current.problem;
  }

  read(bytes: Uint8Array, at: number, length: number): number {
    const count = this.#current.read(bytes, at, length);
    this.#readBytes += count;
    return count;
  }

  /** @throws {CaptureError} if the next file cannot be opened */
  nextFile(): boolean {
    if (this.#number + 1 === this.#paths.length) return false;
    this.#current.close();
    this.#bytesBefore += Math.max(0, this.#current.totalBytes);
    this.#readBytes = 0;
    this.#number++;
    this.#current = this.#open(this.#paths[this.#number]);
    return true;
  }

  close(): void {
    this.#current.close();
  }
}

/** -1: not a regular file, so its size is unknown. */
function sizeOf(path: string): number {
  let stat: Stats | undefined;
  try {
    stat = path === '-' ? undefined : statSync(nativePath(path));
  } catch {
    // Whoever opens it says what is wrong.
  }
  return stat?.isFile() ? stat.size : -1;
}

/** hot: merges several captures by time. */
import type { CaptureReader } from './capture.js';

/**
 * Merges the records of several captures into one sequence: the earliest head comes first; if two are equal, that of
 * the first capture. The order within a capture is kept even if its time runs backwards: records after a late one wait
 * for it.
 */
export class CaptureMerger {
  readonly #readers: readonly CaptureReader[];
  /** Whether each reader still has a record. */
  readonly #hasHead: boolean[];
  /** The reader whose record was returned last and which must advance next; -1: none. */
  #current = -1;
  #isPrimed = false;

  constructor(readers: readonly CaptureReader[]) {
    this.#readers = readers;
    this.#hasHead = readers.map(() => false);
  }

  /** How much of all captures has been consumed, in bytes. */
  get consumedBytes(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.consumedBytes, 0);
  }

  /** The size of all captures, in bytes; -1 if one of them is unknown (a pipe). */
  get totalBytes(): number {
    return this.#readers.some((reader) => reader.totalBytes < 0)
      ? -1
      : this.#readers.reduce((sum, reader) => sum + reader.totalBytes, 0);
  }

  /**
   * Returns the index of the reader with the next record; -1 at the end. The record is valid until the next call.
   * @throws {CaptureError} if one of the files is damaged
   */
  next(): number {
    const readers = this.#readers;
    if (readers.length === 1) return readers[0].next() ? 0 : -1;

    const hasHead = this.#hasHead;
    if (this.#current >= 0) hasHead[this.#current] = readers[this.#current].next();
    else if (!this.#isPrimed) this.#prime();

    let earliest = -1;
    for (let index = 0; index < readers.length; index++) {
      if (hasHead[index] && (earliest < 0 || isBefore(readers[index], readers[earliest]))) earliest = index;
    }
    this.#current = earliest;
    return earliest;
  }

  #prime(): void {
    this.#isPrimed = true;
    for (let index = 0; index < this.#readers.length; index++) this.#hasHead[index] = this.#readers[index].next();
  }
}

function isBefore(a: CaptureReader, b: CaptureReader): boolean {
  return a.tsSec < b.tsSec || (a.tsSec === b.tsSec && a.tsNsec < b.tsNsec);
}

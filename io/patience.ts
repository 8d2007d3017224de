import { writeSync } from 'node:fs';
import { errorCode } from './file-error.js';

/** Waits for a non-blocking pipe that is empty or full: hardly at first, then longer and longer. */
const FIRST_MS = 0.05;
const LONGEST_MS = 10;

export class Patience {
  #waitMs = FIRST_MS;

  /** Blocks the thread, as reading and writing are synchronous. */
  wait(): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.#waitMs);
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_MS);
  }

  /** The pipe was ready. */
  reset(): void {
    this.#waitMs = FIRST_MS;
  }
}

/** Writes LENGTH bytes of BYTES from AT on to FD, waiting where it is full. Throws what `writeSync` throws. */
export function writeFully(fd: number, bytes: Uint8Array, at: number, length: number): void {
  const patience = new Patience();
  for (let done = 0; done < length; ) {
    try {
      done += writeSync(fd, bytes, at + done, length - done, null);
      patience.reset();
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
      patience.wait();
    }
  }
}

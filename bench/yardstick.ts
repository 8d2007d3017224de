/**
 * A fixed piece of work that has nothing to do with the emulator: arithmetic on memory that fits into the cache, and
 * copying a file. Results are stored as ratios to it, so that a faster or busier machine does not look like a change to
 * the code.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const WORDS = 1 << 16;
const STEPS = 10_000_000;
const COPIED_BYTES = 64 << 20;
const CHUNK_BYTES = 1 << 20;

export class Yardstick {
  /** Milliseconds of each measurement. */
  readonly runsMs: number[] = [];
  readonly #words = new Int32Array(WORDS);
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #from: string;
  readonly #to: string;

  /** Creates its files in DIR. */
  constructor(dir: string) {
    this.#from = join(dir, 'yardstick-from');
    this.#to = join(dir, 'yardstick-to');
    const fd = openSync(this.#from, 'w');
    for (let done = 0; done < COPIED_BYTES; done += CHUNK_BYTES) writeSync(fd, this.#chunk);
    closeSync(fd);
    // Run once without measuring, so that the code is optimised and the file is in the cache.
    this.#work();
  }

  measure(): void {
    this.runsMs.push(this.#work());
  }

  close(): void {
    rmSync(this.#from, { force: true });
  }

  #work(): number {
    const startedMs = performance.now();
    this.#compute();
    this.#copy();
    const durationMs = performance.now() - startedMs;
    // Remove the file early, so that it need not be written to disk while others are measured.
    rmSync(this.#to, { force: true });
    return durationMs;
  }

  #compute(): void {
    const words = this.#words;
    let hash = 1;
    for (let step = 0; step < STEPS; step++) {
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
      words[hash & (WORDS - 1)] += hash;
    }
  }

  #copy(): void {
    const from = openSync(this.#from, 'r');
    const to = openSync(this.#to, 'w');
    for (;;) {
      const count = readSync(from, this.#chunk);
      if (count === 0) break;
      writeSync(to, this.#chunk, 0, count);
    }
    closeSync(from);
    closeSync(to);
  }
}

/**
 * Background I/O by the threads that Node keeps for that (libuv's pool): they are there at once. Each job takes some 20 µs of the
 * main thread, as that a job is done is told between two turns of the event loop, and only then the next one is begun.
 */
import { read as readFile, write as writeFile } from 'node:fs';
import type { BackgroundIo, ReadResult } from './background-io.js';
import { errorCode } from './capture-error.js';

export class PooledIo implements BackgroundIo {
  readonly isReady = true;
  readonly needsTurns = true;
  readonly #bytes: Uint8Array;
  /** Jobs that are not begun yet, the oldest first. */
  #waiting: (() => void)[] = [];
  #isWorking = false;
  #isStopped = false;
  /** How many jobs were given, and how many of them are done. */
  #given = 0;
  #done = 0;
  readonly #failures = new Map<number, Error>();
  /** Called when the next job is done. */
  #wake: (() => void)[] = [];

  /** BUFFER is what all jobs are about. */
  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
  }

  get isBusy(): boolean {
    return this.#isWorking;
  }

  get lastJob(): number {
    return this.#given - 1;
  }

  read(fd: number, at: number, length: number, done: (result: ReadResult) => void): void {
    this.#give(() => {
      readFile(fd, this.#bytes, at, length, null, (error, bytesRead) => {
        // Windows says EOF.
        done(error === null ? bytesRead : errorCode(error) === 'EOF' ? 0 : error);
        this.#next();
      });
    });
  }

  write(fd: number, at: number, length: number, position: number): void {
    this.#give(() => this.#write(fd, at, length, position));
  }

  isDone(job: number): boolean {
    return job < this.#done;
  }

  poll(): void {}

  writeFailure(fd: number): Error | undefined {
    return this.#failures.get(fd);
  }

  async next(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  #give(begin: () => void): void {
    this.#given++;
    if (this.#isWorking) {
      this.#waiting.push(begin);
    } else if (!this.#isStopped) {
      this.#isWorking = true;
      begin();
    }
  }

  #write(fd: number, at: number, length: number, position: number): void {
    writeFile(fd, this.#bytes, at, length, position, (error, written) => {
      if (error === null && written < length && !this.#isStopped) {
        this.#write(fd, at + written, length - written, position + written);
        return;
      }
      if (error !== null && !this.#failures.has(fd)) this.#failures.set(fd, error);
      this.#next();
    });
  }

  /** A job is done. */
  #next(): void {
    this.#done++;
    const begin = this.#waiting.shift();
    if (begin === undefined) this.#isWorking = false;
    else begin();
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/**
 * Reading and writing while the main thread works, by the threads that Node keeps for that (libuv's pool): they are there at once
 * and need no JavaScript of their own. That a job is done is told between two turns of the event loop, so whoever gives jobs must
 * let it turn.
 */
import { read as readFile, write as writeFile } from 'node:fs';
import { errorCode } from './capture-error.js';

/** What came of reading: how many bytes, 0 at the end of the file; or why nothing. */
export type ReadResult = number | Error;

interface ReadJob {
  readonly fd: number;
  readonly at: number;
  readonly length: number;
  /** What was given to be written before this job has to be written before it begins. */
  readonly after: number;
  readonly done: (result: ReadResult) => void;
}

export class BackgroundIo {
  readonly #bytes: Uint8Array;
  /** How many jobs of writing were given, and the numbers of those that are not done yet, in the order in which they were given. */
  #given = 0;
  readonly #writing = new Set<number>();
  /** Jobs of reading that are not begun yet, and the files that are being read. */
  #waiting: ReadJob[] = [];
  readonly #reading = new Set<number>();
  #isStopped = false;
  readonly #failures = new Map<number, Error>();
  /** Called when the next job is done. */
  #wake: (() => void)[] = [];

  /** BUFFER is what all jobs are about. */
  constructor(buffer: ArrayBufferLike) {
    this.#bytes = new Uint8Array(buffer);
  }

  /** Whether a job is under way, or waits to be. */
  get isBusy(): boolean {
    return this.#writing.size > 0 || this.#reading.size > 0 || this.#waiting.length > 0;
  }

  /**
   * Have up to LENGTH bytes of the file FD read to AT, from where it stands, once all is written that was given to be written by
   * now. Of one file one job is done after the other.
   */
  read(fd: number, at: number, length: number, done: (result: ReadResult) => void): void {
    this.#waiting.push({ fd, at, length, after: this.#given, done });
    this.#beginReading();
  }

  /** Have LENGTH bytes from AT on written to the file FD, at POSITION of it; the number of the job. */
  write(fd: number, at: number, length: number, position: number): number {
    const job = this.#given++;
    this.#writing.add(job);
    this.#write(job, fd, at, length, position);
    return job;
  }

  /** Whether JOB is done. */
  isWritten(job: number): boolean {
    return !this.#writing.has(job);
  }

  /** The error of the first job of writing to the file FD that failed. */
  writeFailure(fd: number): Error | undefined {
    return this.#failures.get(fd);
  }

  /** Resolves when one more job is done; at once where there is none. */
  async next(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Resolves when all jobs are done. */
  async drain(): Promise<void> {
    while (this.isBusy) await this.next();
  }

  /** Begin no job any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  #write(job: number, fd: number, at: number, length: number, position: number): void {
    writeFile(fd, this.#bytes, at, length, position, (error, written) => {
      if (error !== null) {
        if (!this.#failures.has(fd)) this.#failures.set(fd, error);
      } else if (written < length && !this.#isStopped) {
        this.#write(job, fd, at + written, length - written, position + written);
        return;
      }
      this.#writing.delete(job);
      this.#beginReading();
      this.#tell();
    });
  }

  #beginReading(): void {
    if (this.#waiting.length === 0) return;
    const [oldest = this.#given] = this.#writing;
    this.#waiting = this.#waiting.filter((job) => {
      if (oldest < job.after || this.#reading.has(job.fd)) return true;
      this.#read(job);
      return false;
    });
  }

  #read({ fd, at, length, done }: ReadJob): void {
    this.#reading.add(fd);
    readFile(fd, this.#bytes, at, length, null, (error, bytesRead) => {
      this.#reading.delete(fd);
      // Windows says EOF.
      done(error === null ? bytesRead : errorCode(error) === 'EOF' ? 0 : error);
      this.#beginReading();
      this.#tell();
    });
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

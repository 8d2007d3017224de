/**
 * Background I/O by a thread of our own (io-worker.ts), which sees the same memory: a job costs the main thread next to nothing, but
 * the thread takes some 60 ms of a core until it is up (`isReady`). Until then, whoever has something to read or write does so
 * himself.
 */
import { getSystemErrorName } from 'node:util';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { BackgroundIo, ReadResult } from './background-io.js';

/** What the two threads tell each other: int32s. First what the thread does, an `IoState`. */
export const IO_STATE = 0;
export const IoState = { STARTING: 0, READY: 1, STOPPED: 2 } as const;
/** How many jobs were given, and how many of them are done. */
export const IO_GIVEN = 1;
export const IO_DONE = 2;
/** Set by the main thread: no more jobs will come. */
export const IO_STOP = 3;
/** Whether a job of writing failed, of which file, and the errno. */
export const IO_FAILED = 4;
export const IO_FAILED_FD = 5;
export const IO_FAILED_ERRNO = 6;
export const IO_JOBS_AT = 8;

/**
 * A job: read (0) or write (1), the file, where, how much, at which position of the file (a float64; read: from where it stands). What
 * came of reading takes the place of the length: how many bytes, or an errno below 0.
 */
export const JOB_WORDS = 6;
export const JOB_OP = 0;
export const JOB_FD = 1;
export const JOB_AT = 2;
export const JOB_LENGTH = 3;
export const JOB_POSITION_F64 = 2;
export const JOBS = 256;

export const READ = 0;
export const WRITE = 1;

/** How long to wait for the thread to come up. */
const START_MS = 5000;
/** How long to wait for the job in hand to end: writing to a disk may take long. */
const STOP_MS = 1000;
/** How long to wait for a job until the event loop turns. */
const WAIT_MS = 50;

export class ThreadedIo implements BackgroundIo {
  readonly needsTurns = false;
  readonly #words = new Int32Array(new SharedArrayBuffer((IO_JOBS_AT + JOBS * JOB_WORDS) * 4));
  readonly #doubles = new Float64Array(this.#words.buffer);
  /** The jobs of reading of which it is not told yet what came of them. */
  readonly #reading: { readonly job: number; readonly done: (result: ReadResult) => void }[] = [];

  /** BUFFER is what all jobs are about. */
  constructor(buffer: SharedArrayBuffer) {
    const workerData = { words: this.#words, memory: buffer };
    // It needs neither an environment of its own nor its files watched: it is up sooner without.
    const script = new URL('./io-worker.js', import.meta.url);
    new Worker(script, { workerData, env: SHARE_ENV, trackUnmanagedFds: false }).unref();
  }

  get isReady(): boolean {
    return Atomics.load(this.#words, IO_STATE) === IoState.READY;
  }

  get isBusy(): boolean {
    this.poll();
    return !this.isDone(this.lastJob) && this.#words[IO_STOP] === 0;
  }

  get lastJob(): number {
    return this.#words[IO_GIVEN] - 1;
  }

  read(fd: number, at: number, length: number, done: (result: ReadResult) => void): void {
    const job = this.#give(READ, fd, at, length, 0);
    this.#reading.push({ job, done });
  }

  write(fd: number, at: number, length: number, position: number): void {
    this.#give(WRITE, fd, at, length, position);
  }

  isDone(job: number): boolean {
    return job < Atomics.load(this.#words, IO_DONE);
  }

  poll(): void {
    while (this.#reading.length > 0 && this.isDone(this.#reading[0].job)) {
      const { job, done } = this.#reading.shift()!;
      const result = this.#words[placeOf(job) + JOB_LENGTH];
      done(result < 0 ? failureOf(result) : result);
    }
  }

  writeFailure(fd: number): Error | undefined {
    const words = this.#words;
    if (Atomics.load(words, IO_FAILED) === 0 || words[IO_FAILED_FD] !== fd) return undefined;
    return failureOf(words[IO_FAILED_ERRNO]);
  }

  /** Wait until it is up; false where it does not come up. */
  awaitReady(): boolean {
    Atomics.wait(this.#words, IO_STATE, IoState.STARTING, START_MS);
    return this.isReady;
  }

  async next(): Promise<void> {
    if (!this.isBusy) return;
    const done = Atomics.load(this.#words, IO_DONE);
    if (!this.isDone(this.lastJob)) Atomics.wait(this.#words, IO_DONE, done, WAIT_MS);
    this.poll();
  }

  /** The job in hand is ended. */
  stop(): void {
    const words = this.#words;
    const state = Atomics.load(words, IO_STATE);
    Atomics.store(words, IO_STOP, 1);
    Atomics.notify(words, IO_GIVEN);
    if (state === IoState.READY) Atomics.wait(words, IO_STATE, IoState.READY, STOP_MS);
  }

  #give(op: number, fd: number, at: number, length: number, position: number): number {
    const words = this.#words;
    const job = words[IO_GIVEN];
    while (!this.isDone(job - JOBS)) Atomics.wait(words, IO_DONE, Atomics.load(words, IO_DONE), WAIT_MS);
    this.poll();
    const place = placeOf(job);
    words[place + JOB_OP] = op;
    words[place + JOB_FD] = fd;
    words[place + JOB_AT] = at;
    words[place + JOB_LENGTH] = length;
    this.#doubles[place / 2 + JOB_POSITION_F64] = position;
    Atomics.store(words, IO_GIVEN, job + 1);
    Atomics.notify(words, IO_GIVEN);
    return job;
  }
}

/** Where JOB is, in words. */
export function placeOf(job: number): number {
  return IO_JOBS_AT + (job % JOBS) * JOB_WORDS;
}

function failureOf(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(code), { code, errno });
}

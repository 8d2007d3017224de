/**
 * A thread that writes files while the main one works. Both see the same memory: a job says from where in it how much goes to
 * which file. Jobs are done one after the other, in the order in which they were given; until one is done, its bytes must stay.
 *
 * The thread takes a while to start. Until it is up (`isReady`), whoever has something to write does so himself.
 */
import { getSystemErrorName } from 'node:util';
import { Worker } from 'node:worker_threads';

/** What the two threads tell each other: int32s. First what the thread does, a `WriteState`. */
export const WRITE_STATE = 0;
export const WriteState = { STARTING: 0, READY: 1, STOPPED: 2 } as const;
/** How many jobs were given, and how many of them are done. */
export const WRITE_GIVEN = 1;
export const WRITE_DONE = 2;
/** Set by the main thread: no more jobs will come. */
export const WRITE_STOP = 3;
/** Whether a job failed, of which file, and the errno. */
export const WRITE_FAILED = 4;
export const WRITE_FAILED_FD = 5;
export const WRITE_FAILED_ERRNO = 6;
export const WRITE_JOBS_AT = 8;

/** A job: the file, where, how much. */
export const JOB_WORDS = 3;
export const JOB_FD = 0;
export const JOB_AT = 1;
export const JOB_LENGTH = 2;
export const JOBS = 256;

/** How long to wait for the thread to come up, and for the job in hand to end. */
const START_MS = 5000;
const STOP_MS = 1000;

export class WriteThread {
  readonly #words = new Int32Array(new SharedArrayBuffer((WRITE_JOBS_AT + JOBS * JOB_WORDS) * 4));

  /** MEMORY is what all jobs are about. */
  constructor(memory: SharedArrayBuffer) {
    const workerData = { words: this.#words, memory };
    new Worker(new URL('./write-worker.js', import.meta.url), { workerData }).unref();
  }

  get isReady(): boolean {
    return Atomics.load(this.#words, WRITE_STATE) === WriteState.READY;
  }

  /** Wait until it is up; false where it does not come up. */
  awaitReady(): boolean {
    Atomics.wait(this.#words, WRITE_STATE, WriteState.STARTING, START_MS);
    return this.isReady;
  }

  /** The number of the job that was given last, -1: none yet. */
  get lastJob(): number {
    return this.#words[WRITE_GIVEN] - 1;
  }

  /** Have LENGTH bytes from AT on written to the file FD; the number of the job, for `wait`. */
  write(fd: number, at: number, length: number): number {
    const words = this.#words;
    const job = words[WRITE_GIVEN];
    if (job >= JOBS) this.wait(job - JOBS);
    const place = WRITE_JOBS_AT + (job % JOBS) * JOB_WORDS;
    words[place + JOB_FD] = fd;
    words[place + JOB_AT] = at;
    words[place + JOB_LENGTH] = length;
    Atomics.store(words, WRITE_GIVEN, job + 1);
    Atomics.notify(words, WRITE_GIVEN);
    return job;
  }

  /** Wait until JOB, and all before it, are done. */
  wait(job: number): void {
    for (;;) {
      const done = Atomics.load(this.#words, WRITE_DONE);
      if (done > job) return;
      Atomics.wait(this.#words, WRITE_DONE, done);
    }
  }

  /** The error of the first job that failed, as `node:fs` would have thrown it, where it is about the file FD. */
  failure(fd: number): Error | undefined {
    const words = this.#words;
    if (Atomics.load(words, WRITE_FAILED) === 0 || words[WRITE_FAILED_FD] !== fd) return undefined;
    const errno = words[WRITE_FAILED_ERRNO];
    const code = getSystemErrorName(errno);
    return Object.assign(new Error(code), { code, errno });
  }

  /** Be done with it: the job in hand is ended, those behind it are not begun. */
  stop(): void {
    const words = this.#words;
    const state = Atomics.load(words, WRITE_STATE);
    Atomics.store(words, WRITE_STOP, 1);
    Atomics.notify(words, WRITE_GIVEN);
    if (state === WriteState.READY) Atomics.wait(words, WRITE_STATE, WriteState.READY, STOP_MS);
  }
}

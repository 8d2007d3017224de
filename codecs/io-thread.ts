/**
 * A thread that reads and writes files while the main one works. Both see the same memory: a job is where in it, how much, and
 * from or to which file. Jobs are done one after the other in the order in which they were given; so what is to be written from a
 * place is written before anything that is given later is read to it.
 *
 * The thread takes a while to start. Until it is up (`isReady`), whoever has something to read or write does so himself.
 */
import { getSystemErrorName } from 'node:util';
import { SHARE_ENV, Worker } from 'node:worker_threads';

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

/** A job: read (0) or write (1), the file, where, how much. */
export const JOB_WORDS = 4;
export const JOB_OP = 0;
export const JOB_FD = 1;
export const JOB_AT = 2;
export const JOB_LENGTH = 3;
export const JOBS = 256;

export const READ = 0;
export const WRITE = 1;

/** What came of reading is put in front of what was read: how many bytes, or an errno below 0 (int32). */
export const READ_RESULT_BYTES = 4;

/** How long to wait for the thread to come up. */
const START_MS = 5000;
/** How long to wait for the job in hand to end: writing to a pipe may take forever. */
const STOP_MS = 1000;

export class IoThread {
  readonly #words = new Int32Array(new SharedArrayBuffer((IO_JOBS_AT + JOBS * JOB_WORDS) * 4));
  readonly #memory: DataView;

  /** MEMORY is what all jobs are about. */
  constructor(memory: SharedArrayBuffer) {
    this.#memory = new DataView(memory);
    const workerData = { words: this.#words, memory };
    // It needs neither an environment of its own nor its files watched: it is up sooner without.
    const script = new URL('./io-worker.js', import.meta.url);
    new Worker(script, { workerData, env: SHARE_ENV, trackUnmanagedFds: false }).unref();
  }

  get isReady(): boolean {
    return Atomics.load(this.#words, IO_STATE) === IoState.READY;
  }

  /** The number of the job that was given last, -1: none yet. */
  get lastJob(): number {
    return this.#words[IO_GIVEN] - 1;
  }

  /** Have up to LENGTH bytes of the file FD read to AT, and what came of it be put before; the number of the job. */
  read(fd: number, at: number, length: number): number {
    return this.#give(READ, fd, at, length);
  }

  /** Have LENGTH bytes from AT on written to the file FD; the number of the job, for `wait`. */
  write(fd: number, at: number, length: number): number {
    return this.#give(WRITE, fd, at, length);
  }

  /** Wait until it is up; false where it does not come up. */
  awaitReady(): boolean {
    Atomics.wait(this.#words, IO_STATE, IoState.STARTING, START_MS);
    return this.isReady;
  }

  /** How many bytes were read to AT by JOB, once it is done; or the error, as `node:fs` would have thrown it. */
  resultOf(job: number, at: number): number | Error {
    this.wait(job);
    const result = this.#memory.getInt32(at - READ_RESULT_BYTES, true);
    return result < 0 ? failureOf(result) : result;
  }

  /** Wait until JOB is done. */
  wait(job: number): void {
    for (;;) {
      const done = Atomics.load(this.#words, IO_DONE);
      if (done > job) return;
      Atomics.wait(this.#words, IO_DONE, done);
    }
  }

  /** Wait until all jobs are done. */
  drain(): void {
    this.wait(this.lastJob);
  }

  /** The error of the first writing job that failed, where it is about the file FD. */
  writeFailure(fd: number): Error | undefined {
    const words = this.#words;
    if (Atomics.load(words, IO_FAILED) === 0 || words[IO_FAILED_FD] !== fd) return undefined;
    return failureOf(words[IO_FAILED_ERRNO]);
  }

  /** Be done with it: the job in hand is ended, those behind it are not begun. */
  stop(): void {
    const words = this.#words;
    const state = Atomics.load(words, IO_STATE);
    Atomics.store(words, IO_STOP, 1);
    Atomics.notify(words, IO_GIVEN);
    if (state === IoState.READY) Atomics.wait(words, IO_STATE, IoState.READY, STOP_MS);
  }

  #give(op: number, fd: number, at: number, length: number): number {
    const words = this.#words;
    const job = words[IO_GIVEN];
    if (job >= JOBS) this.wait(job - JOBS);
    const place = IO_JOBS_AT + (job % JOBS) * JOB_WORDS;
    words[place + JOB_OP] = op;
    words[place + JOB_FD] = fd;
    words[place + JOB_AT] = at;
    words[place + JOB_LENGTH] = length;
    Atomics.store(words, IO_GIVEN, job + 1);
    Atomics.notify(words, IO_GIVEN);
    return job;
  }
}

function failureOf(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(code), { code, errno });
}

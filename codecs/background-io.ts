/** Reading and writing of files while the main thread works: what `PooledIo` and `ThreadedIo` have in common. */

/** What came of reading: how many bytes, 0 at the end of the file; or why nothing. */
export type ReadResult = number | Error;

/**
 * Does jobs one after the other, in the order in which they were given; so what is to be written from a place is written before
 * anything that is given later is read to it, and of two cores one is left to the main thread. All jobs are about one buffer.
 */
export interface BackgroundIo {
  /** Whether it takes jobs by now. */
  readonly isReady: boolean;
  /** Whether the event loop must turn now and then for jobs to be done. */
  readonly needsTurns: boolean;
  /** Whether a job is under way, or waits to be. */
  readonly isBusy: boolean;
  /** Have up to LENGTH bytes of the file FD read to AT, from where it stands. DONE is called in `poll` or between two turns. */
  read(fd: number, at: number, length: number, done: (result: ReadResult) => void): void;
  /** Have LENGTH bytes from AT on written to the file FD, at POSITION of it. */
  write(fd: number, at: number, length: number, position: number): void;
  /** The number of the job that was given last, -1: none yet. */
  readonly lastJob: number;
  /** Whether JOB is done. */
  isDone(job: number): boolean;
  /** Have it told what came of reading, as far as that is known. */
  poll(): void;
  /** The error of the first job of writing to the file FD that failed. */
  writeFailure(fd: number): Error | undefined;
  /** Resolves when one more job may be done; at once where there is none. */
  next(): Promise<void>;
  /** Begin no job any more. */
  stop(): void;
}

/** The event loop turns once. (`node:timers/promises` has the same, and takes twice as long.) */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when IO has done all jobs. */
export async function drain(io: BackgroundIo): Promise<void> {
  while (io.isBusy) await io.next();
}

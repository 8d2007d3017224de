// The thread of `WriteThread`: does one job after the other.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { sleep } from './capture-blocks.js';
import { errorCode } from './capture-error.js';
import {
  JOB_AT,
  JOB_FD,
  JOB_LENGTH,
  JOB_WORDS,
  JOBS,
  WRITE_DONE,
  WRITE_FAILED,
  WRITE_FAILED_ERRNO,
  WRITE_FAILED_FD,
  WRITE_GIVEN,
  WRITE_JOBS_AT,
  WRITE_STATE,
  WRITE_STOP,
  WriteState,
} from './write-thread.js';

/** How long to wait before writing again to a pipe that is full and does not block. */
const RETRY_MS = 5;
/** What is told of an error that has no number: EIO. */
const UNKNOWN_ERRNO = -5;

const { words, memory } = workerData as { words: Int32Array; memory: SharedArrayBuffer };
const bytes = new Uint8Array(memory);

show(WriteState.READY);
for (let done = 0; ; done++) {
  while (Atomics.load(words, WRITE_GIVEN) === done && Atomics.load(words, WRITE_STOP) === 0) {
    Atomics.wait(words, WRITE_GIVEN, done);
  }
  if (Atomics.load(words, WRITE_STOP) !== 0) break;
  // Once something could not be written, the results are worth nothing.
  if (words[WRITE_FAILED] === 0) write(WRITE_JOBS_AT + (done % JOBS) * JOB_WORDS);
  Atomics.store(words, WRITE_DONE, done + 1);
  Atomics.notify(words, WRITE_DONE);
}
show(WriteState.STOPPED);

function show(state: number): void {
  Atomics.store(words, WRITE_STATE, state);
  Atomics.notify(words, WRITE_STATE);
}

function write(job: number): void {
  const fd = words[job + JOB_FD];
  const length = words[job + JOB_LENGTH];
  for (let done = 0; done < length; ) {
    try {
      done += writeSync(fd, bytes, words[job + JOB_AT] + done, length - done);
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') {
        words[WRITE_FAILED_FD] = fd;
        words[WRITE_FAILED_ERRNO] = (error as { errno?: number }).errno ?? UNKNOWN_ERRNO;
        Atomics.store(words, WRITE_FAILED, 1);
        return;
      }
      sleep(RETRY_MS);
    }
  }
}

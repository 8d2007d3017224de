// The thread of `IoThread`: does one job after the other.
import { readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { sleep } from './capture-blocks.js';
import { errorCode } from './capture-error.js';
import {
  IO_DONE,
  IO_FAILED,
  IO_FAILED_ERRNO,
  IO_FAILED_FD,
  IO_GIVEN,
  IO_JOBS_AT,
  IO_STATE,
  IO_STOP,
  IoState,
  JOB_AT,
  JOB_FD,
  JOB_LENGTH,
  JOB_OP,
  JOB_WORDS,
  JOBS,
  READ,
  READ_RESULT_BYTES,
} from './io-thread.js';

/** How long to wait before trying again where a pipe has nothing, or no room, and does not block. */
const RETRY_MS = 5;
/** What is told of an error that has no number: EIO. */
const UNKNOWN_ERRNO = -5;

const { words, memory } = workerData as { words: Int32Array; memory: SharedArrayBuffer };
const bytes = new Uint8Array(memory);
const view = new DataView(memory);

Atomics.store(words, IO_STATE, IoState.READY);
Atomics.notify(words, IO_STATE);
for (let done = 0; ; done++) {
  while (Atomics.load(words, IO_GIVEN) === done && Atomics.load(words, IO_STOP) === 0) {
    Atomics.wait(words, IO_GIVEN, done);
  }
  if (Atomics.load(words, IO_STOP) !== 0) break;
  doJob(done);
  Atomics.store(words, IO_DONE, done + 1);
  Atomics.notify(words, IO_DONE);
}
Atomics.store(words, IO_STATE, IoState.STOPPED);
Atomics.notify(words, IO_STATE);

function doJob(job: number): void {
  const at = IO_JOBS_AT + (job % JOBS) * JOB_WORDS;
  const [fd, from, length] = [words[at + JOB_FD], words[at + JOB_AT], words[at + JOB_LENGTH]];
  if (words[at + JOB_OP] === READ) {
    view.setInt32(
      from - READ_RESULT_BYTES,
      attempt(() => readSync(fd, bytes, from, length, null)),
      true,
    );
    return;
  }
  // Once something could not be written, the results are worth nothing.
  if (words[IO_FAILED] !== 0) return;
  for (let written = 0; written < length; ) {
    const result = attempt(() => writeSync(fd, bytes, from + written, length - written));
    if (result < 0) {
      words[IO_FAILED_FD] = fd;
      words[IO_FAILED_ERRNO] = result;
      Atomics.store(words, IO_FAILED, 1);
      return;
    }
    written += result;
  }
}

/** What ACT gives, or the errno of why it fails. */
function attempt(act: () => number): number {
  for (;;) {
    try {
      return act();
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') return (error as { errno?: number }).errno ?? UNKNOWN_ERRNO;
      sleep(RETRY_MS);
    }
  }
}

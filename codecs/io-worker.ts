// The thread of `ThreadedIo`: does one job after the other.
import { readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { errorCode } from './capture-error.js';
import {
  IO_DONE,
  IO_FAILED,
  IO_FAILED_ERRNO,
  IO_FAILED_FD,
  IO_GIVEN,
  IO_STATE,
  IO_STOP,
  IoState,
  JOB_AT,
  JOB_FD,
  JOB_LENGTH,
  JOB_OP,
  JOB_POSITION_F64,
  placeOf,
  READ,
} from './threaded-io.js';

/** What is told of an error that has no number: EIO. */
const UNKNOWN_ERRNO = -5;

const { words, memory } = workerData as { words: Int32Array; memory: SharedArrayBuffer };
const doubles = new Float64Array(words.buffer);
const bytes = new Uint8Array(memory);

Atomics.store(words, IO_STATE, IoState.READY);
Atomics.notify(words, IO_STATE);
for (let done = 0; ; done++) {
  while (Atomics.load(words, IO_GIVEN) === done && Atomics.load(words, IO_STOP) === 0) {
    Atomics.wait(words, IO_GIVEN, done);
  }
  if (Atomics.load(words, IO_STOP) !== 0) break;
  doJob(placeOf(done));
  Atomics.store(words, IO_DONE, done + 1);
  Atomics.notify(words, IO_DONE);
}
Atomics.store(words, IO_STATE, IoState.STOPPED);
Atomics.notify(words, IO_STATE);

function doJob(place: number): void {
  const [fd, from, length] = [words[place + JOB_FD], words[place + JOB_AT], words[place + JOB_LENGTH]];
  if (words[place + JOB_OP] === READ) {
    words[place + JOB_LENGTH] = attempt(() => readSync(fd, bytes, from, length, null));
    return;
  }
  // Once something could not be written, the results are worth nothing.
  if (words[IO_FAILED] !== 0) return;
  const position = doubles[place / 2 + JOB_POSITION_F64];
  for (let written = 0; written < length; ) {
    const result = attempt(() => writeSync(fd, bytes, from + written, length - written, position + written));
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
  try {
    return act();
  } catch (error) {
    // Windows says so at the end of a file.
    if (errorCode(error) === 'EOF') return 0;
    return (error as { errno?: number }).errno ?? UNKNOWN_ERRNO;
  }
}

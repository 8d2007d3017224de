import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IoThread, JOBS } from '../../codecs/io-thread.js';

const ioThread = suite('I/O thread');

const AT = 4096;

ioThread('what was read stays known, however many jobs come before it is asked for', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-io-'));
  const memory = new SharedArrayBuffer(1 << 16);
  const io = new IoThread(memory);
  try {
    writeFileSync(join(dir, 'in'), 'twelve bytes');
    const input = openSync(join(dir, 'in'), 'r');
    const output = openSync(join(dir, 'out'), 'w');
    assert.ok(io.awaitReady(), 'it comes up');
    const job = io.read(input, AT, 4096);
    const atEnd = io.read(input, AT + 8192, 4096);
    for (let n = 0; n < 2 * JOBS; n++) io.write(output, AT, 12);
    assert.is(io.resultOf(job, AT), 12);
    assert.is(io.resultOf(atEnd, AT + 8192), 0, 'nothing is left');
    io.drain();
    assert.is(
      readFileSync(join(dir, 'out'), 'latin1'),
      'twelve bytes'.repeat(2 * JOBS),
      'written from where it was read',
    );
    closeSync(input);
    closeSync(output);
  } finally {
    io.stop();
    rmSync(dir, { recursive: true });
  }
});

ioThread('what cannot be read or written is told with its code', () => {
  const io = new IoThread(new SharedArrayBuffer(1 << 16));
  const folder = openSync(tmpdir(), 'r');
  try {
    assert.ok(io.awaitReady(), 'it comes up');
    const result = io.resultOf(io.read(folder, AT, 100), AT);
    assert.is(result instanceof Error && (result as NodeJS.ErrnoException).code, 'EISDIR');
    // A file that is open for reading alone: write(2), EBADF.
    io.wait(io.write(folder, AT, 100));
    assert.is((io.writeFailure(folder) as NodeJS.ErrnoException | undefined)?.code, 'EBADF');
  } finally {
    io.stop();
    closeSync(folder);
  }
});

ioThread.run();

import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BackgroundIo, type ReadResult } from '../../codecs/background-io.js';

const Background = suite('background I/O');

const AT = 4096;
let dir = '';
Background.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-io-'));
});
Background.after(() => rmSync(dir, { recursive: true }));

Background('reads a file block by block in the order of the jobs, up to its end', async () => {
  writeFileSync(join(dir, 'in'), 'twelve bytes, and nine');
  const memory = new SharedArrayBuffer(1 << 16);
  const io = new BackgroundIo(memory);
  const input = openSync(join(dir, 'in'), 'r');
  const results: ReadResult[] = [];
  for (let n = 0; n < 4; n++) io.read(input, AT + n * 100, 12, (result) => results.push(result));
  assert.is(io.isBusy, true);
  await io.drain();
  assert.equal(results, [12, 10, 0, 0]);
  assert.is(Buffer.from(memory, AT, 12).toString(), 'twelve bytes');
  assert.is(Buffer.from(memory, AT + 100, 10).toString(), ', and nine');
  closeSync(input);
});

Background('writes each job where it belongs, whichever is done first', async () => {
  const memory = new SharedArrayBuffer(1 << 20);
  const bytes = new Uint8Array(memory).map((_, at) => (at >> 10) & 0xff);
  new Uint8Array(memory).set(bytes);
  const io = new BackgroundIo(memory);
  const output = openSync(join(dir, 'out'), 'w');
  const LENGTH = 10_000;
  const jobs = Array.from({ length: 100 }, (_, n) => io.write(output, n * LENGTH, LENGTH, n * LENGTH));
  assert.is(io.isWritten(jobs[99]), false);
  await io.drain();
  assert.ok(jobs.every((job) => io.isWritten(job)));
  assert.ok(Buffer.from(bytes.subarray(0, 100 * LENGTH)).equals(readFileSync(join(dir, 'out'))));
  closeSync(output);
});

Background('nothing is read to where something was given to be written from, before that is written', async () => {
  const LENGTH = 1 << 20;
  writeFileSync(join(dir, 'ones'), new Uint8Array(LENGTH).fill(1));
  writeFileSync(join(dir, 'twos'), new Uint8Array(LENGTH).fill(2));
  const io = new BackgroundIo(new SharedArrayBuffer(LENGTH));
  const inputs = ['ones', 'twos'].map((name) => openSync(join(dir, name), 'r'));
  const output = openSync(join(dir, 'copy'), 'w');
  io.read(inputs[0], 0, LENGTH, () => {
    io.write(output, 0, LENGTH, 0);
    io.read(inputs[1], 0, LENGTH, () => io.write(output, 0, LENGTH, LENGTH));
  });
  await io.drain();
  const copy = readFileSync(join(dir, 'copy'));
  assert.is(copy.length, 2 * LENGTH);
  assert.ok(copy.every((byte, at) => byte === (at < LENGTH ? 1 : 2)));
  for (const fd of [...inputs, output]) closeSync(fd);
});

Background('what cannot be read or written is told with its code', async () => {
  const io = new BackgroundIo(new SharedArrayBuffer(1 << 16));
  const folder = openSync(tmpdir(), constants.O_RDONLY);
  let result: ReadResult | undefined;
  io.read(folder, AT, 100, (of) => {
    result = of;
  });
  // A file that is open for reading alone: write(2), EBADF.
  io.write(folder, AT, 100, 0);
  await io.drain();
  assert.is(result instanceof Error && (result as NodeJS.ErrnoException).code, 'EISDIR');
  assert.is((io.writeFailure(folder) as NodeJS.ErrnoException | undefined)?.code, 'EBADF');
  closeSync(folder);
});

Background('begins nothing any more once it is stopped', async () => {
  writeFileSync(join(dir, 'unread'), 'some bytes');
  const io = new BackgroundIo(new SharedArrayBuffer(1 << 16));
  const input = openSync(join(dir, 'unread'), 'r');
  const results: ReadResult[] = [];
  io.read(input, AT, 4, (result) => results.push(result));
  io.read(input, AT, 4, (result) => results.push(result));
  io.stop();
  await io.drain();
  assert.equal(results, [4]);
  closeSync(input);
});

Background.run();

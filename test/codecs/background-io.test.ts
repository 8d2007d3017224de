import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BackgroundIo, drain, type ReadResult } from '../../codecs/background-io.js';
import { PooledIo } from '../../codecs/pooled-io.js';
import { JOBS, ThreadedIo } from '../../codecs/threaded-io.js';

const Background = suite('background I/O');

const AT = 4096;
let dir = '';
Background.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'nfreplay-io-'));
});
Background.after(() => rmSync(dir, { recursive: true }));

const KINDS = {
  pooled: (buffer: SharedArrayBuffer): BackgroundIo => new PooledIo(buffer),
  threaded: (buffer: SharedArrayBuffer): BackgroundIo => {
    const io = new ThreadedIo(buffer);
    assert.ok(io.awaitReady(), 'it comes up');
    return io;
  },
};

for (const [kind, create] of Object.entries(KINDS)) {
  Background(`${kind}: reads a file block by block in the order of the jobs, up to its end`, async () => {
    writeFileSync(join(dir, 'in'), 'twelve bytes, and nine');
    const memory = new SharedArrayBuffer(1 << 16);
    const io = create(memory);
    const input = openSync(join(dir, 'in'), 'r');
    const results: ReadResult[] = [];
    for (let n = 0; n < 4; n++) io.read(input, AT + n * 100, 12, (result) => results.push(result));
    await drain(io);
    assert.equal(results, [12, 10, 0, 0]);
    assert.is(Buffer.from(memory, AT, 12).toString(), 'twelve bytes');
    assert.is(Buffer.from(memory, AT + 100, 10).toString(), ', and nine');
    io.stop();
    closeSync(input);
  });

  Background(`${kind}: writes each job where it belongs, however many there are`, async () => {
    const LENGTH = 1000;
    const memory = new SharedArrayBuffer(2 * JOBS * LENGTH);
    const bytes = new Uint8Array(memory);
    for (let at = 0; at < bytes.length; at++) bytes[at] = at % 251;
    const io = create(memory);
    const output = openSync(join(dir, 'out'), 'w');
    for (let at = 0; at < bytes.length; at += LENGTH) io.write(output, at, LENGTH, at);
    await drain(io);
    assert.ok(io.isDone(io.lastJob));
    assert.is(io.lastJob, 2 * JOBS - 1);
    assert.ok(Buffer.from(bytes).equals(readFileSync(join(dir, 'out'))));
    io.stop();
    closeSync(output);
  });

  Background(`${kind}: nothing is read to where something is to be written from, before that is written`, async () => {
    const LENGTH = 1 << 20;
    writeFileSync(join(dir, 'ones'), new Uint8Array(LENGTH).fill(1));
    writeFileSync(join(dir, 'twos'), new Uint8Array(LENGTH).fill(2));
    const io = create(new SharedArrayBuffer(LENGTH));
    const inputs = ['ones', 'twos'].map((name) => openSync(join(dir, name), 'r'));
    const output = openSync(join(dir, 'copy'), 'w');
    for (const [n, input] of inputs.entries()) {
      io.read(input, 0, LENGTH, () => {});
      io.write(output, 0, LENGTH, n * LENGTH);
    }
    await drain(io);
    const copy = readFileSync(join(dir, 'copy'));
    assert.is(copy.length, 2 * LENGTH);
    assert.ok(copy.every((byte, at) => byte === (at < LENGTH ? 1 : 2)));
    io.stop();
    for (const fd of [...inputs, output]) closeSync(fd);
  });

  Background(`${kind}: what cannot be read or written is told with its code`, async () => {
    const io = create(new SharedArrayBuffer(1 << 16));
    const folder = openSync(tmpdir(), constants.O_RDONLY);
    const results: ReadResult[] = [];
    io.read(folder, AT, 100, (result) => results.push(result));
    // A file that is open for reading alone: write(2), EBADF.
    io.write(folder, AT, 100, 0);
    await drain(io);
    assert.equal(
      results.map((result) => (result as NodeJS.ErrnoException).code),
      ['EISDIR'],
    );
    assert.is((io.writeFailure(folder) as NodeJS.ErrnoException | undefined)?.code, 'EBADF');
    io.stop();
    closeSync(folder);
  });
}

Background.run();

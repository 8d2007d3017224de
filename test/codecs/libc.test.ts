import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adviseHugePages, growHeapsInLargeSteps, populate } from '../../codecs/libc.js';

const Libc = suite('the C library');

/** How many bytes of this process's mappings may have huge pages, as the kernel says it (proc(5): smaps, the flag hg). */
function advisedBytes(): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings
    .filter((mapping) => /^VmFlags:.*\bhg\b/m.test(mapping))
    .reduce((sum, mapping) => sum + Number(/^Size: +(\d+) kB/m.exec(mapping)?.[1]) * 1024, 0);
}

Libc('huge pages are asked for all of a shared memory, or it is said that they are not', () => {
  const { buffer } = new WebAssembly.Memory({ initial: 1024, maximum: 1024, shared: true });
  const before = process.platform === 'linux' ? advisedBytes() : 0;
  const isAdvised = adviseHugePages(new Uint8Array(buffer));
  if (process.platform !== 'linux') assert.is(isAdvised, false);
  else assert.is(advisedBytes() - before, isAdvised ? buffer.byteLength : 0);
});

/** How much of this process is resident, in bytes (proc(5): statm; pages of 4 KiB). */
const residentBytes = (): number => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096;

Libc('what is populated is resident before it is used, and keeps what it held', async () => {
  const MEBIBYTES = 64;
  const { buffer } = new WebAssembly.Memory({ initial: MEBIBYTES * 16, maximum: MEBIBYTES * 16, shared: true });
  const bytes = new Uint8Array(buffer);
  bytes[5 << 20] = 7;
  if (!adviseHugePages(bytes)) return;
  const before = residentBytes();
  const wantedBytes = (MEBIBYTES - 4) << 20;
  populate(bytes);
  for (let tries = 0; tries < 500 && residentBytes() - before < wantedBytes; tries++) await sleep(10);
  assert.ok(residentBytes() - before >= wantedBytes);
  assert.is(bytes[5 << 20], 7);
});

Libc('heaps grow in large steps, or it is said that they do not', () => {
  if (!growHeapsInLargeSteps()) return;
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const malloc = koffi.load('libc.so.6').func('malloc', 'size_t', ['size_t']);
  // The heap of the main thread (proc(5): maps).
  const heapBytes = (): number => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) .*\[heap\]$/m.exec(readFileSync('/proc/self/maps', 'utf8'))!;
    return Number.parseInt(to, 16) - Number.parseInt(from, 16);
  };
  const before = heapBytes();
  let grown = 0;
  for (let n = 0; n < 10_000 && grown === 0; n++) {
    malloc(16 << 10);
    grown = heapBytes() - before;
  }
  assert.ok(grown >= 8 << 20, `by ${grown} bytes`);
});

Libc.run();

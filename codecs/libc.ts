/**
 * What Node does not offer of the C library, and what makes large captures faster; all goes on without, where the system is another
 * one or the package that calls it is not installed (it is optional).
 */
import { createRequire } from 'node:module';

/** madvise(2). */
const MADV_HUGEPAGE = 14;
const MADV_POPULATE_WRITE = 23;
/** mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_TOP_PAD = -2;
/** In which steps the heap of a thread grows, in bytes, at least. */
const HEAP_STEP_BYTES = 8 << 20;
/** How much of it may be free at its end before it shrinks again. */
const HEAP_SLACK_BYTES = 1 << 30;

type Madvise = ((memory: Uint8Array, length: number, advice: number) => number) & {
  async(memory: Uint8Array, length: number, advice: number, done: () => void): void;
};

interface Libc {
  readonly madvise: Madvise;
  readonly mallopt: (option: number, value: number) => number;
}

/** Null: not there. */
let loaded: Libc | null | undefined;

function libc(): Libc | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): Libc | null {
  if (process.platform !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const library = koffi.load('libc.so.6');
    return {
      madvise: library.func('madvise', 'int', ['void *', 'size_t', 'int']) as unknown as Madvise,
      mallopt: library.func('mallopt', 'int', ['int', 'int']),
    };
  } catch {
    return null;
  }
}

/**
 * Asks Linux to back MEMORY, from a page's start on, by large pages as it is first used (transparent huge pages); says whether it
 * will. A million connections lie on 50,000 pages of 4 KiB; the system hands out each of them at its first use, by an interruption
 * that costs more than a packet does, most of all where the system is a guest itself. Of pages of 2 MiB it hands out a hundred.
 */
export function adviseHugePages(memory: Uint8Array): boolean {
  return libc()?.madvise(memory, memory.length, MADV_HUGEPAGE) === 0;
}

/** Has the pages of MEMORY, which start with a page, handed out by another thread, before they are used; what they hold stays. */
export function populate(memory: Uint8Array): void {
  libc()?.madvise.async(memory, memory.length, MADV_POPULATE_WRITE, () => {});
}

/**
 * Has the heaps of all threads grow in large steps and not shrink; says whether they will. With V8's compilers at work they grow
 * and shrink thousands of times in the first 100 ms, by system calls that no thread may have a page handed out during.
 */
export function growHeapsInLargeSteps(): boolean {
  const c = libc();
  return (
    c !== null && c.mallopt(M_TOP_PAD, HEAP_STEP_BYTES) === 1 && c.mallopt(M_TRIM_THRESHOLD, HEAP_SLACK_BYTES) === 1
  );
}

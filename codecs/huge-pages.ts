/**
 * Large pages for large memory. A million connections lie on 50,000 pages of 4 KiB; the system hands out each of them at its first
 * use, by an interruption that costs more than a packet does, most of all where the system is a guest itself. Of pages of 2 MiB
 * it hands out a hundred.
 */

import { createRequire } from 'node:module';

/** madvise(2). */
const MADV_HUGEPAGE = 14;

/**
 * Asks Linux to back MEMORY, from a page's start on, by large pages as it is first used (transparent huge pages); says whether
 * it will. That changes nothing but speed: where the system, or the package that calls it, is not there, all goes on without.
 */
export function adviseHugePages(memory: Uint8Array): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const madvise = koffi.load('libc.so.6').func('madvise', 'int', ['void *', 'size_t', 'int']);
    return madvise(memory, memory.length, MADV_HUGEPAGE) === 0;
  } catch {
    // Not installed (it is optional), or another C library.
    return false;
  }
}

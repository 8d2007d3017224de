import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adviseHugePages } from '../../codecs/huge-pages.js';

const hugePages = suite('huge pages');

/** How many bytes of this process's mappings may have huge pages, as the kernel says it (proc(5): smaps, the flag hg). */
function advisedBytes(): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings
    .filter((mapping) => /^VmFlags:.*\bhg\b/m.test(mapping))
    .reduce((sum, mapping) => sum + Number(/^Size: +(\d+) kB/m.exec(mapping)?.[1]) * 1024, 0);
}

hugePages('are asked for all of a shared memory, or it is said that they are not', () => {
  const { buffer } = new WebAssembly.Memory({ initial: 1024, maximum: 1024, shared: true });
  const before = process.platform === 'linux' ? advisedBytes() : 0;
  const isAdvised = adviseHugePages(new Uint8Array(buffer));
  if (process.platform !== 'linux') assert.is(isAdvised, false);
  else assert.is(advisedBytes() - before, isAdvised ? buffer.byteLength : 0);
});

hugePages.run();

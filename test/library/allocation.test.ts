import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Allocation = suite('emulator allocation');

const RUN = fileURLToPath(new URL('./allocation-run.js', import.meta.url));
const MAX_RUNS = 16;
/** An object takes 16 bytes or more. */
const MAX_BYTES = 8;

for (const engine of ['remembered', 'compiled'] as const) {
  Allocation(`a packet of an established connection makes no object: ${engine}`, () => {
    // An object a packet shows in every stretch, but for those in which a garbage collection takes them back; code that
    // V8 has not compiled yet makes some as well. So the second least of what was not taken back tells; and of several
    // processes the best: what V8 makes of the loop depends on when its compiler gets its turn, and now and then it
    // leaves a float64 as an object.
    let bytes = Number.POSITIVE_INFINITY;
    for (let run = 0; run < MAX_RUNS && bytes >= MAX_BYTES; run++) {
      const stretches = JSON.parse(execFileSync(process.execPath, [RUN, engine], { encoding: 'utf8' })) as number[];
      const kept = stretches.filter((bytes) => bytes >= 0);
      assert.ok(kept.length >= 4, 'stretches without a garbage collection');
      bytes = Math.min(bytes, kept.sort((a, b) => a - b)[1]);
    }
    assert.ok(bytes < MAX_BYTES, `${bytes.toFixed(1)} bytes of heap a packet`);
  });
}

Allocation.run();

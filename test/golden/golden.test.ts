/** Every case of `pcaps/`, recorded from the kernel, through both engines. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderDifference } from '../../cli/render-difference.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { compareResults } from '../../replay/compare.js';
import { casesIn, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';

const Golden = suite('golden cases');

/** The examples, and the regressions. */
const FOLDERS = [
  'pcaps',
  'test/golden/changes',
  'test/golden/counts',
  'test/golden/docker',
  'test/golden/meters',
  'test/golden/protocols',
  'test/golden/regressions',
];
const cases = FOLDERS.flatMap((folder) => casesIn(folder));

Golden('all recorded cases are present, each with a line about what it protects', () => {
  assert.ok(cases.length >= 12);
  for (const { dir } of cases) assert.match(readFileSync(join(dir, 'README.md'), 'utf8'), /^Protects .{20,}\.$/m);
});

for (const golden of cases.filter(({ wantDir }) => existsSync(wantDir))) {
  const { dir, wantDir } = golden;
  for (const engine of EMULATOR_ENGINES) {
    Golden(`${dir}, ${engine}`, async () => {
      const parent = mkdtempSync(join(tmpdir(), 'nfreplay-golden-'));
      try {
        const outDir = join(parent, 'got');
        replay({ ...optionsOf(golden), outDir, engine });
        const { differences, frames, rules, connections } = compareResults(wantDir, outDir);
        assert.is(differences.length, 0, differences.length > 0 ? renderDifference(differences[0]).join('\n') : '');
        assert.ok(frames + rules + connections > 0);
      } finally {
        rmSync(parent, { recursive: true, force: true });
      }
    });
  }
}

Golden.run();

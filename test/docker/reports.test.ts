/**
 * Reports of people with Docker, told by what they typed alone. The kernel's results for the rules to which that leads
 * are in the cases of test/golden/docker, which golden.test.ts replays.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const Reports = suite('reports of Docker hosts');

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const CASES = join(PROJECT, 'test/golden/docker');

for (const name of readdirSync(CASES))
  Reports(`${name}: the command in its README makes its host and its rules`, () => {
    const dir = join(CASES, name);
    const [, options] = /nfreplay docker (.*) -o HOST/.exec(readFileSync(join(dir, 'README.md'), 'utf8')) ?? [];
    const out = mkdtempSync(join(tmpdir(), 'nfreplay-report-'));
    try {
      const args = ['docker', ...(options ?? '').split(' '), '-o', join(out, 'host')];
      const { status, stderr } = spawnSync(process.execPath, [join(PROJECT, 'dist/cli/main.js'), ...args], {
        cwd: dir,
        encoding: 'utf8',
      });
      assert.is(status, 0, stderr);
      for (const file of ['rules.v4', 'host.json', 'docker.json', 'names'])
        assert.fixture(readFileSync(join(out, 'host', file), 'utf8'), readFileSync(join(dir, file), 'utf8'), file);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });

Reports.run();

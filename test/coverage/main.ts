/**
 * `npm run test:coverage [-- --from DIR]`: which lines of core/ and codecs/ the tests run, measured by V8 in every
 * process that they start; DIR: where `COVERAGE_DIR=DIR npm test` has measured it. The share of each folder must not
 * fall below floor.json; raise the floor when it grows. What the tests themselves say is left to `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeLines, type FileCoverage, linesRun } from './lines.js';
import { MEASURED } from './measured.js';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['core', 'codecs', 'docker'] as const;
const FLOOR_FILE = 'test/coverage/floor.json';
interface Profile {
  result: FileCoverage[];
}

/** The compiled files of FOLDER. */
function filesOf(folder: string): string[] {
  const names = readdirSync(join(DIST, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.js')).map((name) => join(DIST, folder, name));
}

/** The lines that were run, by compiled file, of all profiles in DIR. */
function readProfiles(dir: string): Map<string, Set<number>> {
  const run = new Map<string, Set<number>>();
  const isWanted = (path: string): boolean => FOLDERS.some((folder) => path.startsWith(join(DIST, folder, '/')));
  for (const name of readdirSync(dir)) {
    const { result } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as Profile;
    for (const coverage of result) {
      if (!coverage.url.startsWith('file://')) continue;
      const path = fileURLToPath(coverage.url);
      if (!isWanted(path)) continue;
      const lines = run.get(path) ?? new Set();
      run.set(path, lines);
      for (const line of linesRun(readFileSync(path, 'utf8'), coverage)) lines.add(line);
    }
  }
  return run;
}

const fromAt = process.argv.indexOf('--from');
const measured = fromAt < 0 ? undefined : process.argv[fromAt + 1];
const dir = measured ?? mkdtempSync(join(tmpdir(), 'nfreplay-coverage-'));
let passed = 0;
let failed = 0;
try {
  if (measured === undefined) {
    const env = { ...process.env, COVERAGE_DIR: dir, TEST_TIMEOUT_MS: '600000' };
    spawnSync(process.execPath, [join(DIST, 'test/run.js'), '--no-lint', ...MEASURED], { env, stdio: 'inherit' });
  }
  const run = readProfiles(dir);
  const floor = JSON.parse(readFileSync(FLOOR_FILE, 'utf8')) as Record<string, number>;
  for (const folder of FOLDERS) {
    let all = 0;
    let covered = 0;
    for (const path of filesOf(folder)) {
      const lines = codeLines(readFileSync(path, 'utf8'));
      const missed = lines.filter((line) => !run.get(path)?.has(line));
      all += lines.length;
      covered += lines.length - missed.length;
      if (process.argv.includes('--missed') && missed.length > 0) console.log(`${path}: ${missed.join(' ')}`);
    }
    const percent = Math.floor((covered / all) * 1000) / 10;
    console.log(`${folder}: ${covered} of ${all} lines, ${percent} % (at least ${floor[folder]} %)`);
    if (percent >= floor[folder]) passed++;
    else failed++;
  }
} finally {
  if (measured === undefined) rmSync(dir, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

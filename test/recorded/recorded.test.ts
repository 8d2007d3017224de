/**
 * Random cases of the live test (test/kernel), recorded with what the kernel made of them by `npm run cases:record`, in
 * every engine, compared as the live test does.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderDifference } from '../../cli/render-difference.js';
import { EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { compareResults } from '../../replay/compare.js';
import { replay } from '../../replay/replay.js';
import { queueVerdictOf } from '../kernel/queue-verdict.js';
import { moveTraced, tracedDifference } from '../kernel/traced.js';
import { ARCHIVE_SUFFIX, type RecordedCase, unpackCases, writeCaseFolder } from './case-archive.js';

const FOLDER = 'test/recorded';
/** The profile in whose captures checksums and segments were left to network cards. */
const OFFLOADED = 'offload';

const Recorded = suite('recorded cases');

const archives = readdirSync(FOLDER)
  .filter((name) => name.endsWith(ARCHIVE_SUFFIX))
  .map((name) => ({
    profile: name.slice(0, -ARCHIVE_SUFFIX.length),
    cases: unpackCases(readFileSync(join(FOLDER, name))),
  }));

/**
 * The first difference between what the kernel and ENGINE make of RECORDED, and how many there are; empty where they
 * agree.
 */
function differences(
  profile: string,
  recorded: RecordedCase,
  dir: string,
  inputs: Inputs,
  engine: EmulatorEngine,
): string[] {
  const outDir = join(dir, `got-${engine}`);
  try {
    const checksums = profile === OFFLOADED ? 'auto' : 'verify';
    const nfqueue = queueVerdictOf(recorded.seed);
    const told = { logTime: true, ...(nfqueue === undefined ? {} : { nfqueue }) };
    const given = { rulesPath: join(dir, 'rules.v4'), hostPath: join(dir, 'host.json'), inputs };
    replay({ ...given, outDir, engine, checksums, ...told });
    moveTraced(outDir);
  } catch (error) {
    return [`case ${recorded.seed}, ${engine}: ${(error as Error).stack}`];
  }
  const wantDir = join(dir, 'want');
  const traced = tracedDifference(wantDir, outDir);
  if (traced !== undefined) return [`case ${recorded.seed}, ${engine}: ${traced.wanted}, but got ${traced.got}`];
  const found = compareResults(wantDir, outDir).differences;
  if (found.length === 0) return [];
  return [`case ${recorded.seed}, ${engine}: ${found.length} differences`, ...renderDifference(found[0])];
}

type Inputs = ReturnType<typeof writeCaseFolder>;

for (const { profile, cases } of archives) {
  Recorded(`${profile}: every engine does what the kernel did`, () => {
    const failures: string[] = [];
    for (const recorded of cases) {
      const dir = mkdtempSync(join(tmpdir(), 'nfreplay-recorded-'));
      try {
        const inputs = writeCaseFolder(recorded, dir);
        for (const engine of EMULATOR_ENGINES) failures.push(...differences(profile, recorded, dir, inputs, engine));
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }
    assert.is(failures.length, 0, failures.slice(0, 40).join('\n'));
  });
}

Recorded('there are hundreds, of all profiles in which no time passes', () => {
  assert.ok(archives.length >= 10);
  assert.ok(archives.reduce((sum, { cases }) => sum + cases.length, 0) >= 300);
});

Recorded.run();

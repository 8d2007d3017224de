/**
 * `npm run test:cases [-- --count N] [--seed S]`: shrinks N small random cases that show a failure, and checks that
 * what is left still shows it, and that no single packet, rule or part of the host can be left out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pick, seededRandom, testSeed } from '../random.js';
import { breakCase, recordedCases } from './broken-cases.js';
import { faultsOfShrinking } from './shrink-case.js';

const { values } = parseArgs({ options: { count: { type: 'string', default: '500' }, seed: { type: 'string' } } });
const seed = values.seed === undefined ? testSeed() : Number(values.seed);
const random = seededRandom(seed);
const all = recordedCases();
let shrunk = 0;
let failed = 0;
for (let tried = 0; shrunk < Number(values.count); tried++) {
  const { profile, recorded } = pick(random, all);
  const parent = mkdtempSync(join(tmpdir(), 'nfreplay-broken-'));
  const dir = join(parent, 'case');
  const change = breakCase(recorded, dir, random);
  const faults = change === undefined ? [] : faultsOfShrinking(dir);
  if (change !== undefined) shrunk++;
  if (faults.length === 0) rmSync(parent, { recursive: true, force: true });
  else {
    failed++;
    console.log([`case ${tried}, ${profile} ${recorded.seed}, kept in ${dir}: ${change}`, ...faults].join('\n  '));
  }
}
console.log(`seed ${seed}: ${shrunk} cases, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

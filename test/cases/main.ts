/**
 * `npm run test:cases [-- --count N] [--seed S] [--only shrink|share]`: shrinks N small random cases that show a
 * failure, and checks that what is left still shows it, and that no single packet, rule or part of the host can be left
 * out; and shares as many, and checks that no address of the original is left, and that they show the same.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pick, seededRandom, testSeed } from '../random.js';
import { breakCase, recordedCases } from './broken-cases.js';
import { faultsOfSharing } from './share-case.js';
import { faultsOfShrinking } from './shrink-case.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '500' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const count = Number(values.count);
const seed = values.seed === undefined ? testSeed() : Number(values.seed);
const random = seededRandom(seed);
const all = recordedCases();
let shrunk = 0;
let failed = 0;
for (let tried = 0; values.only !== 'share' && shrunk < count; tried++) {
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
let shared = 0;
for (; values.only !== 'shrink' && shared < count; shared++) {
  const { profile, recorded } = pick(random, all);
  const dir = mkdtempSync(join(tmpdir(), 'nfreplay-shared-'));
  const secret = String(random(2 ** 30));
  const faults = faultsOfSharing(recorded, dir, secret);
  if (faults.length === 0) rmSync(dir, { recursive: true, force: true });
  else {
    failed++;
    console.log([`case ${profile} ${recorded.seed}, secret ${secret}, kept in ${dir}`, ...faults].join('\n  '));
  }
}
console.log(`seed ${seed}: ${shrunk} cases shrunk, ${shared} shared, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * `npm run fuzz -- --minutes N`: replays damaged captures, rulesets and hosts. All engines have to agree, nothing may
 * throw, hang or be left behind. The last line is `N passed, N failed`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CaseReport } from './worker.js';

const USAGE = `usage: npm run fuzz -- [options]
  --minutes N   how long to go on (default: 1)
  --seed S      seed of the first case; the others follow (default: random)
  --case SEED   run only this case
  --keep DIR    where to keep the files of cases that show a fault (default: a folder in the temporary folder)`;

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
/** A case takes some milliseconds; one that takes this long does not end. */
const HANG_MS = 60_000;
const MAX_HEAP_MIB = 1500;
const MAX_FAULTS = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    case: { type: 'string' },
    keep: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}

const isOne = values.case !== undefined;
const firstSeed = Number(values.case ?? values.seed ?? randomInt(2 ** 31));
const endMs = Date.now() + Number(values.minutes) * 60_000;
if (values.keep !== undefined) mkdirSync(values.keep, { recursive: true });
const root = values.keep ?? mkdtempSync(join(tmpdir(), 'nfreplay-fuzz-'));
let nextSeed = firstSeed;
let passed = 0;
let failed = 0;

const isOver = (): boolean => (isOne ? nextSeed > firstSeed : Date.now() >= endMs) || failed >= MAX_FAULTS;

function note({ seed, fault }: CaseReport): void {
  if (fault === undefined) {
    passed++;
    return;
  }
  failed++;
  console.log(`✘ case ${seed} (its files: ${join(root, String(seed))})\n${fault.replace(/^/gm, '    ')}\n`);
}

/** Feeds one worker with seeds until time is up; a worker that ends or hangs is replaced. */
async function runLane(): Promise<void> {
  let worker: ChildProcess | undefined;
  while (!isOver()) {
    worker ??= fork(WORKER, [root], { execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`] });
    const seed = nextSeed++;
    const report = await runCase(worker, seed);
    note(report);
    if (worker.exitCode !== null || worker.signalCode !== null) worker = undefined;
  }
  worker?.disconnect();
}

function runCase(worker: ChildProcess, seed: number): Promise<CaseReport> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.kill('SIGKILL'), HANG_MS);
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      const fault =
        signal === 'SIGKILL' ? `not done after ${HANG_MS / 1000} s` : `the process ended (${signal ?? code})`;
      resolve({ seed, fault });
    };
    worker.once('exit', onExit);
    worker.once('message', (report: CaseReport) => {
      clearTimeout(timer);
      worker.off('exit', onExit);
      resolve(report);
    });
    worker.send(seed);
  });
}

console.log(`fuzz: seeds from ${firstSeed}`);
await Promise.all(Array.from({ length: isOne ? 1 : availableParallelism() }, runLane));
if (readdirSync(root).length === 0) rmSync(root, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

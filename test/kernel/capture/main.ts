/**
 * `npm run test:capture -- --seed S --count N`: captures what a real host receives and sends under random rules and
 * traffic, and replays the capture. The emulated host must send what the host sent, and count what it counted. Needs
 * root.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packCases, type RecordedCase } from '../../recorded/case-archive.js';
import { Prng } from '../prng.js';
import { CaptureWorld } from './capture-world.js';
import { randomCaptureCase } from './random-capture-case.js';
import { replayWay, WAYS } from './ways.js';

/** Cases that the tests replay without root. */
const ARCHIVE = 'test/replay/hosts/live.cases.gz';

const ATTEMPTS = 3;

const USAGE = `usage: npm run test:capture -- [options]
  --seed S      seed for the seeds of the cases (default: random)
  --count N     how many cases to run (default: 20)
  --case SEED   run only this case
  --keep DIR    where to keep failing cases
  --record      keep the cases that pass in ${ARCHIVE}, which the tests replay without root`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string', default: '20' },
      case: { type: 'string' },
      keep: { type: 'string', default: join(tmpdir(), 'nfreplay-capture') },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.error(USAGE);
    return 0;
  }
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  console.log(`seed ${seed}`);
  const seeds = new Prng(seed);
  let [passed, failed, leftOut] = [0, 0, 0];
  const recorded: RecordedCase[] = [];
  for (let i = values.case === undefined ? Number(values.count) : 1; i > 0; i--) {
    const one = values.case === undefined ? seeds.below(2 ** 31) : Number(values.case);
    const dir = join(values.keep, String(one));
    const problems = await tried(one, dir);
    if (problems === undefined) leftOut++;
    else if (problems.length === 0) {
      passed++;
      if (values.record) recorded.push({ seed: one, files: filesIn(dir) });
      rmSync(dir, { recursive: true });
    } else {
      failed++;
      console.log(`✘ --case ${one}, kept in ${dir}\n  ${problems.join('\n  ')}`);
    }
  }
  if (values.record) writeFileSync(ARCHIVE, packCases(recorded));
  if (leftOut > 0) console.log(`left out: ${leftOut} that sent when the captures began or ended`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** What differs in the case of SEED; undefined if no attempt could be captured as a whole. */
async function tried(seed: number, dir: string): Promise<string[] | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // A world of its own: connections of an earlier case send again for minutes.
    const world = new CaptureWorld();
    try {
      await world.start();
      const problems = await runCase(world, seed, dir);
      if (problems !== undefined) return problems;
    } finally {
      world.stop();
    }
  }
  return undefined;
}

/**
 * Runs the case of SEED, and leaves its files in DIR; returns what differs, undefined if the captures do not have all
 * that the kernel counted.
 */
async function runCase(world: CaptureWorld, seed: number, dir: string): Promise<string[] | undefined> {
  const { rules, questions } = randomCaptureCase(new Prng(seed));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  world.load(rules);
  writeFileSync(join(dir, 'rules.v4'), rules);
  writeFileSync(
    join(dir, 'questions.txt'),
    questions.map((together) => together.map(({ from, text }) => `${from}: ${text}`).join('\n')).join('\n---\n'),
  );
  const path = (file: string): string => join(dir, file);
  const ways = WAYS.filter(({ name }) => name !== 'dumpcap' || hasDumpcap());
  const isWhole = await world.capture(
    dir,
    ways.flatMap(({ commands }) => commands(path)),
    questions,
  );
  if (!isWhole) return undefined;
  const ofSnapshot = replayWay(ways[0], dir, 'snapshot.txt').map((problem) => `snapshot, ${problem}`);
  return [...ways.flatMap((way) => replayWay(way, dir)), ...ofSnapshot];
}

function filesIn(dir: string): Map<string, Uint8Array> {
  const names = readdirSync(dir).filter((name) => /\.(pcap|pcapng|json|v4)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(dir, name))]));
}

function hasDumpcap(): boolean {
  return spawnSync('dumpcap', ['--version']).status === 0;
}

process.exitCode = await main();

/**
 * `npm run test:docker -- --seed S --count N --engine E`: plays random stories on a real Docker engine, and tells the
 * same commands to an emulated one. Both must come to the same rules, interfaces, addresses, routes and containers, and
 * the replay of what was captured to the same counters and connections. Needs root.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Backend } from '../../core/rules/model.js';
import { Prng } from '../kernel/prng.js';
import { compareRecording } from './compare.js';
import { ENGINES, type EngineName, EngineUnavailable } from './live/engine.js';
import { play } from './live/player.js';
import { randomStory } from './random-story.js';
import { engineNamed, filesIn, type Recording, recordingOf } from './recording.js';
import { replayStory } from './replay-story.js';
import { shrinkStory } from './shrink-story.js';
import { parseStory, type Step } from './story.js';

const USAGE = `usage: npm run test:docker -- [options]
  --seed S       seed for the seeds of the stories (default: random)
  --count N      how many stories to play on each engine (default: 5)
  --engine E     ${ENGINES.join(', ')} or all (default: 20.10, this system's own)
  --cache DIR    where other engines are laid out (default: a folder for temporary files)
  --case SEED    play only this story
  --story FILE   play the story in FILE; with --backend legacy|nft
  --from DIR     compare the recording in DIR again; with --engine and --backend
  --keep DIR     where to keep recordings of stories that fail; with --keep-all, of all
  --print        print the stories only
  --no-shrink    do not make stories that fail shorter`;

/** How many stories are played to make one that fails shorter. */
const SHRINK_TRIES = 14;
const SHOWN_DIFFERENCES = 12;

const BACKENDS: readonly Backend[] = ['legacy', 'nft'];

interface Options {
  readonly cache: string;
  readonly keep: string;
  readonly keepsAll: boolean;
  readonly shrinks: boolean;
}

interface Case {
  readonly name: string;
  readonly engine: EngineName;
  readonly backend: Backend;
  readonly steps: readonly Step[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string', default: '5' },
      engine: { type: 'string', default: ENGINES[0] },
      backend: { type: 'string', default: 'nft' },
      cache: { type: 'string', default: join(tmpdir(), 'nfreplay-engines') },
      case: { type: 'string' },
      story: { type: 'string' },
      from: { type: 'string' },
      keep: { type: 'string', default: join(tmpdir(), 'nfreplay-docker') },
      'keep-all': { type: 'boolean', default: false },
      print: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const engines = values.engine === 'all' ? ENGINES : [engineNamed(values.engine)].filter((name) => name !== undefined);
  const backend = BACKENDS.find((name) => name === values.backend);
  if (values.help || engines.length === 0 || backend === undefined) {
    console.error(USAGE);
    return values.help ? 0 : 2;
  }
  if (values.from !== undefined) return compareAgain(values.from, engines[0], backend);
  const told = values.story === undefined ? undefined : parseStory(readFileSync(values.story, 'utf8'));
  const cases =
    told === undefined
      ? randomCases(values, engines)
      : engines.map((engine) => ({ name: `story-${engine}`, engine, backend, steps: told }));
  if (values.print) {
    for (const { name, steps, backend } of cases)
      console.log(`# ${name} ${backend}\n${steps.map(({ line }) => line).join('\n')}\n`);
    return 0;
  }
  const { cache, keep } = values;
  return playAll(cases, { cache, keep, keepsAll: values['keep-all'], shrinks: !values['no-shrink'] });
}

function randomCases(
  values: { seed?: string | undefined; count: string; case?: string | undefined },
  engines: readonly EngineName[],
): Case[] {
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  console.log(`seed ${seed}`);
  const seeds = new Prng(seed);
  const one = values.case === undefined ? undefined : Number(values.case);
  const chosen = one === undefined ? Array.from({ length: Number(values.count) }, () => seeds.below(2 ** 31)) : [one];
  return chosen.flatMap((story) =>
    engines.map((engine) => ({ name: `${engine}-${story}`, engine, ...randomStory(story, engine) })),
  );
}

async function playAll(cases: readonly Case[], options: Options): Promise<number> {
  let [passed, failed] = [0, 0];
  for (const one of cases) {
    const dir = join(options.keep, one.name);
    let differences: readonly string[];
    try {
      differences = await playCase(one, dir, options);
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      console.log(`skipped: engine ${one.engine} does not run here: ${error.message}`);
      continue;
    }
    if (differences.length === 0) passed++;
    else {
      failed++;
      console.log(`✘ --engine ${one.engine} --case ${one.name.split('-').at(-1)} (${one.backend}), kept in ${dir}`);
      print(differences);
      if (options.shrinks) await shrinkCase(one, differences[0], options);
    }
    if (differences.length === 0 && !options.keepsAll) rmSync(dir, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Plays ONE, records it in DIR, and returns what differs. */
async function playCase({ steps, engine, backend }: Case, dir: string, { cache }: Options): Promise<readonly string[]> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'told.story'), steps.map(({ line }) => `${line}\n`).join(''));
  await play(steps, { engine, backend, cache, out: dir });
  return differencesOf(recordingOf(filesIn(dir), { engine, backend }));
}

/** What differs where the commands are told, and where the capture is replayed. */
function differencesOf(recording: Recording): string[] {
  return [...compareRecording(recording), ...replayStory(recording).differences];
}

async function shrinkCase(one: Case, first: string, options: Options): Promise<void> {
  const kind = kindOf(first);
  const dir = join(options.keep, `${one.name}-short`);
  const stillFails = async (steps: readonly Step[]): Promise<boolean> => {
    const differences = await playCase({ ...one, steps }, dir, options);
    return differences.some((line) => kindOf(line) === kind);
  };
  const steps = await shrinkStory(one.steps, stillFails, SHRINK_TRIES);
  if (steps.length === one.steps.length) return;
  const differences = await playCase({ ...one, steps }, dir, options);
  console.log(`shorter, in ${dir}:\n${steps.map(({ line }) => `    ${line}`).join('\n')}`);
  print(differences);
}

/** What a difference is about, without the names in it: `s1: filter FORWARD: + -i br-1 …` is `filter FORWARD: +`. */
function kindOf(difference: string): string {
  return difference
    .replace(/^[^:]+: /, '')
    .split(' ')
    .slice(0, 3)
    .join(' ');
}

function print(differences: readonly string[]): void {
  for (const line of differences.slice(0, SHOWN_DIFFERENCES)) console.log(`  ${line}`);
  const more = differences.length - SHOWN_DIFFERENCES;
  if (more > 0) console.log(`  … and ${more} more`);
}

async function compareAgain(dir: string, engine: EngineName, backend: Backend): Promise<number> {
  const differences = differencesOf(recordingOf(filesIn(dir), { engine, backend }));
  print(differences);
  console.log(`${differences.length} differences`);
  return differences.length === 0 ? 0 : 1;
}

process.exitCode = await main();

/** One case of the fuzzer: damaged input, replayed in every engine, and by the command, interrupted or not. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatReport } from '../../cli/report.js';
import { CaptureError } from '../../codecs/capture-error.js';
import { FilterError } from '../../codecs/filter/filter-error.js';
import { HostError } from '../../codecs/host/error.js';
import { EMULATOR_ENGINES } from '../../core/emulator.js';
import { IpsetError } from '../../core/ipset/ipset-error.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { styleOf } from '../../explain/text/style.js';
import { listPaths } from '../../io/capture-file.js';
import { FileError } from '../../io/file-error.js';
import { NotFollowedError, ReplayOptionsError } from '../../replay/errors.js';
import { type ReplayOptions, replay } from '../../replay/replay.js';
import type { SelectionOptions } from '../../replay/selection.js';
import type { Summary } from '../../replay/summary.js';
import { randomFilter } from '../filter/random-filter.js';
import { Prng } from '../kernel/prng.js';
import { faultOfSets, randomSets } from './check-sets.js';
import type { Corpus } from './corpus.js';
import { mutateCapture, reformCapture } from './mutate-capture.js';
import { mutateSnapshot, outputsOf, snapshotOf } from './mutate-snapshot.js';
import { mutateHost, mutateRules } from './mutate-text.js';

const COMMAND = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
/** How often a case goes through the command as well. */
const COMMAND_SHARE = 1 / 30;
/** Errors about the input, which have a message for people. */
const INPUT_ERRORS = [
  CaptureError,
  FileError,
  FilterError,
  HostError,
  IpsetError,
  NotFollowedError,
  ReplayOptionsError,
  RulesetError,
];
const EXIT_CODES: readonly (number | null)[] = [0, 1, 2, 3, 4];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** What is wrong with nfreplay, as this case shows. */
class Fault extends Error {}

/**
 * Runs the case of SEED with its files in DIR, an empty folder.
 * @throws {Fault}
 */
async function runFuzzCase(seed: number, corpus: Corpus, dir: string): Promise<void> {
  const prng = new Prng(seed);
  const fault = faultOfSets(randomSets(prng));
  if (fault !== undefined) throw new Fault(`a file of sets: ${fault}`);
  const options = writeInput(prng, corpus, dir);
  const before = readdirSync(dir);
  const outcomes = EMULATOR_ENGINES.map((engine) => replayed({ ...options, engine, outDir: join(dir, engine) }));
  const [first] = outcomes;
  for (const [i, outcome] of outcomes.entries()) {
    const difference = differenceOf(first, outcome);
    if (difference !== undefined)
      throw new Fault(`${EMULATOR_ENGINES[0]} and ${EMULATOR_ENGINES[i]} disagree: ${difference}`);
  }
  checkFolder(dir, [...before, ...(first.files === undefined ? [] : EMULATOR_ENGINES)]);
  if (prng.chance(COMMAND_SHARE)) await checkCommand(prng, options, first, dir);
}

/** Writes what the case replays to DIR. */
function writeInput(prng: Prng, corpus: Corpus, dir: string): Omit<ReplayOptions, 'outDir'> {
  const { host, rules, inputs } = prng.pick(corpus.seeds);
  const others = corpus.seeds.map((seed) => seed.rules);
  const captures = [...corpus.captures, ...prng.pick(corpus.seeds).inputs.map(({ bytes }) => bytes)];
  const rulesPath = join(dir, 'rules.v4');
  const written = prng.chance(0.4) ? mutateRules(prng, rules, corpus.words, others) : rules;
  writeFileSync(rulesPath, written);
  const { hostPath, hasRules } = writeHost(prng, host, written, dir);
  const files = inputs.map(({ iface, bytes }, i) => {
    const path = join(dir, `${i}.pcap`);
    const source = prng.chance(0.1) ? prng.pick(captures) : bytes;
    const mutated = prng.chance(0.7) ? mutateCapture(prng, source, captures) : source;
    writeFileSync(path, prng.chance(0.15) ? reformCapture(prng, mutated, captures) : mutated);
    return { iface, path };
  });
  return {
    hostPath,
    ...(hasRules && prng.chance(0.7) ? {} : { rulesPath }),
    ...(prng.chance(0.1) && files.length > 0 ? { stitchPaths: [files[0].path] } : { inputs: files }),
    ...(prng.chance(0.15) ? { ipsetPaths: [writeSets(prng, dir)] } : {}),
    seed: prng.below(3),
    lax: prng.chance(0.5),
    ...(prng.chance(0.1) ? { limit: prng.below(50) } : {}),
    ...randomSelection(prng),
  };
}

function writeSets(prng: Prng, dir: string): string {
  const path = join(dir, 'sets.txt');
  writeFileSync(path, randomSets(prng));
  return path;
}

/** Options that choose packets. */
function randomSelection(prng: Prng): SelectionOptions {
  const filter = () => randomFilter((below) => prng.below(below));
  const when = () => prng.pick(['0s', '0.5s', '3s', 'n5', 'n20', '@1795761583.4', '2026-01-01T00:00:00Z']);
  return {
    ...(prng.chance(0.15) ? { filter: filter() } : {}),
    ...(prng.chance(0.05) ? { from: when() } : {}),
    ...(prng.chance(0.05) ? { to: when() } : {}),
    ...(prng.chance(0.1) ? { show: filter() } : {}),
  };
}

/** Writes HOST to DIR: as JSON, as a snapshot, or as a folder of outputs. */
function writeHost(prng: Prng, host: string, rules: Uint8Array, dir: string): { hostPath: string; hasRules: boolean } {
  const damaged = prng.chance(0.3) ? mutateHost(prng, host) : host;
  if (prng.chance(0.7) || !isJson(damaged)) {
    const hostPath = join(dir, 'host.json');
    writeFileSync(hostPath, damaged);
    return { hostPath, hasRules: false };
  }
  const outputs = outputsOf(prng, damaged, rules);
  const hostPath = join(dir, 'host');
  if (prng.chance(0.3)) {
    mkdirSync(hostPath);
    for (const [name, text] of outputs) writeFileSync(join(hostPath, name), text, 'latin1');
  } else {
    const snapshot = snapshotOf(prng, outputs);
    writeFileSync(hostPath, prng.chance(0.5) ? mutateSnapshot(prng, snapshot) : Buffer.from(snapshot, 'latin1'));
  }
  return { hostPath, hasRules: true };
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object' && JSON.parse(text) !== null;
  } catch {
    return false;
  }
}

interface ReplayOutcome {
  /** The message of an error about the input. */
  message?: string;
  summary?: Summary;
  /** The files of the result folder, by name; undefined after an error. */
  files?: ReadonlyMap<string, Buffer>;
}

function replayed(options: ReplayOptions & { outDir: string }): ReplayOutcome {
  let summary: Summary;
  try {
    summary = replay(options);
  } catch (error) {
    if (!INPUT_ERRORS.some((known) => error instanceof known)) throw error;
    const { message } = error as Error;
    return { message };
  }
  const style = styleOf({ isTTY: false });
  const report = formatReport(summary, { style, top: 10, outDir: options.outDir, durationMs: 0, width: 100 });
  if (CONTROLS.test(report)) throw new Fault(`a control character in the report: ${JSON.stringify(report)}`);
  return { summary, files: filesIn(options.outDir) };
}

function filesIn(dir: string): ReadonlyMap<string, Buffer> {
  return new Map(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name))]));
}

function differenceOf(one: ReplayOutcome, other: ReplayOutcome): string | undefined {
  if (one.message !== other.message) return `${one.message ?? 'done'} / ${other.message ?? 'done'}`;
  if (one.files === undefined || other.files === undefined) return undefined;
  const names = [...new Set([...one.files.keys(), ...other.files.keys()])];
  return names.find((name) => {
    const [a, b] = [one.files?.get(name), other.files?.get(name)];
    return a === undefined || b === undefined || !a.equals(b);
  });
}

/** DIR contains EXPECTED and nothing else. */
function checkFolder(dir: string, expected: readonly string[]): void {
  const got = readdirSync(dir).sort();
  const wanted = [...new Set(expected)].sort();
  if (got.join() !== wanted.join()) throw new Fault(`left behind: ${got.join(', ')}; expected ${wanted.join(', ')}`);
}

/** The command does what the library did, and leaves earlier results or its own when a signal ends it at any time. */
async function checkCommand(
  prng: Prng,
  options: Omit<ReplayOptions, 'outDir'>,
  expected: ReplayOutcome,
  dir: string,
): Promise<void> {
  const outDir = join(dir, 'command');
  const args = commandLine(options, outDir);
  const before = readdirSync(dir);
  const first = await runCommand(args);
  if (!EXIT_CODES.includes(first.code)) throw new Fault(`exit code ${first.code}: ${first.stderr}`);
  if ((first.code === 0) !== (expected.files !== undefined))
    throw new Fault(`exit code ${first.code}: ${first.stderr}`);
  if (CONTROLS.test(first.stderr)) throw new Fault(`a control character in: ${JSON.stringify(first.stderr)}`);
  const isDone = first.code === 0;
  checkFolder(dir, [...before, ...(isDone ? ['command'] : [])]);
  const signal = prng.pick(SIGNALS);
  const second = await runCommand(args, { signal, afterMs: prng.below(200) });
  const wasKilled = second.signal === signal || second.code === 128 + SIGNAL_NUMBERS[signal];
  if (!wasKilled && second.code !== first.code)
    throw new Fault(`exit code ${second.code} after ${signal}: ${second.stderr}`);
  if (signal !== 'SIGKILL') checkFolder(dir, [...before, ...(isDone ? ['command'] : [])]);
  const third = await runCommand(args);
  if (third.code !== first.code) throw new Fault(`exit code ${third.code} when ${signal} came before: ${third.stderr}`);
  checkFolder(dir, [...before, ...(isDone ? ['command'] : [])]);
  if (isDone && [...filesIn(outDir).keys()].join() !== [...expected.files!.keys()].join())
    throw new Fault(`the command wrote ${readdirSync(outDir).join(', ')}`);
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 } as const;

function commandLine(options: Omit<ReplayOptions, 'outDir'>, outDir: string): string[] {
  const { hostPath, rulesPath, ipsetPaths = [], inputs, stitchPaths = [], seed, lax, limit } = options;
  return [
    ...['replay', '--host', hostPath, '--out', outDir, '--seed', String(seed)],
    ...(rulesPath === undefined ? [] : ['--rules', rulesPath]),
    ...(inputs ?? []).flatMap(({ iface, path }) => listPaths(path).flatMap((file) => ['--in', `${iface}=${file}`])),
    ...stitchPaths.flatMap((path) => ['--stitch', ...listPaths(path)]),
    ...ipsetPaths.flatMap((path) => ['--ipset', path]),
    ...(lax ? ['--lax'] : []),
    ...(limit === undefined ? [] : ['--limit', String(limit)]),
    ...(['filter', 'from', 'to', 'show'] as const).flatMap((name) => {
      const value = options[name];
      return value === undefined ? [] : [`--${name}=${value}`];
    }),
  ];
}

interface CommandOutcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** Runs the command; KILL: sends it a signal after some time. */
function runCommand(
  args: readonly string[],
  kill?: { signal: NodeJS.Signals; afterMs: number },
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = kill && setTimeout(() => child.kill(kill.signal), kill.afterMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stderr });
    });
  });
}

/** Runs the case of SEED in a new folder below ROOT, which is removed unless the case shows a fault. */
export async function fuzzIn(root: string, seed: number, corpus: Corpus): Promise<void> {
  const dir = join(root, String(seed));
  if (existsSync(dir)) rmSync(dir, { recursive: true });
  mkdirSync(dir);
  await runFuzzCase(seed, corpus, dir);
  rmSync(dir, { recursive: true });
}

/** The command `nfreplay check`: replays cases, compares the results with golden captures, and judges claims. */
import { setImmediate as turn } from 'node:timers/promises';
import { ClosedPipeError, InterruptedError } from '../io/file-error.js';
import type { CheckOptions } from '../replay/check-case.js';
import { isQuick } from '../replay/golden-case.js';
import { loadNames } from '../replay/names.js';
import { readRulesFiles } from '../replay/rules-files.js';
import { refuseInvalid } from '../replay/setting.js';
import { type Arguments, parseCommand } from './args.js';
import { type CheckedRound, caseAt, caseKinds, errorIn, type FoundCase, foldersOf } from './check/found-cases.js';
import { keptFolders } from './check/kept-folders.js';
import { type CheckRunOptions, checkedCase } from './check/run-case.js';
import { shardOf } from './check/shard.js';
import { updateCases } from './check/update-cases.js';
import { watchCases } from './check/watch-cases.js';
import { refuseOverwriting } from './check/written-places.js';
import { CHECK } from './commands/check.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { STDERR, warn } from './output.js';
import { reportersOf } from './reporters/choose.js';
import { type CheckedCase, hasPassed } from './reporters/model.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { NeedsThread, namesPipe, type Supervision } from './supervisor.js';

const DEFAULT_TOP = 10;

/**
 * Runs the command; resolves with the exit code. If a case cannot be replayed, the others still are, and the highest
 * exit code of all is that of the command.
 */
export async function checkCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(CHECK, args);
  if (given.positionals.length === 0) throw new UsageError('nfreplay check requires at least one CASE folder');
  refuseContradictions(given);
  const isWatching = given.has('watch');
  refuseRules(given.value('rules'), isWatching);
  const cases = shardOf(foldersOf(given), given.value('shard')).map((dir) => caseAt(dir, caseKinds(given)));
  if (supervision === undefined && cases.some(({ golden }) => golden !== undefined && !isQuick(golden)))
    throw new NeedsThread();
  supervision?.onReady(false);
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  if (given.has('update')) return updateCases(cases, { given, top, supervision });
  if (isWatching) return watchCases(given, (some) => checkCases(some, given, top, supervision), supervision);
  return (await checkCases(cases, given, top, supervision)).exitCode;
}

/** Options that exclude each other, or go only with another. */
function refuseContradictions(given: Arguments): void {
  const needs = (option: string, other: string): void => {
    if (given.has(option) && !given.has(other)) throw new UsageError(`--${option} goes with --${other}`);
  };
  needs('allow-truncated', 'update');
  needs('compare-rules', 'rules');
  const other =
    given.has('update') && ['rules', 'lax', 'reporter', 'keep', 'watch'].find((option) => given.has(option));
  if (other) throw new UsageError(`--${other} does not go with --update, which makes the results golden captures`);
}

/**
 * Refuses other rules that no case can be checked with, once instead of for each case, unless somebody IS_WATCHING who
 * mends them.
 */
function refuseRules(given: string | undefined, isWatching: boolean): void {
  if (given === undefined) return;
  if (namesPipe([`rules=${given}`]))
    throw new UsageError(`--rules ${given}: a pipe can be read only once; give a file`);
  if (isWatching) return;
  const sources = readRulesFiles(given);
  refuseInvalid(sources);
  if (sources.every(({ text }) => text.split('\n').every((line) => NOTHING.test(line))))
    throw new UsageError(`--rules ${given}: there are no rules in it; has iptables-save failed?`);
}

/** A line without a rule or a table. */
const NOTHING = /^\s*(?:#.*)?$/;

/** Checks CASES, tells the reporters, and shows warnings and errors. */
async function checkCases(
  cases: readonly FoundCase[],
  given: Arguments,
  top: number,
  supervision: Supervision | undefined,
): Promise<CheckedRound> {
  const keep = given.value('keep');
  // Also of the cases that are not checked now: the folder of a case does not depend on that.
  const kept = keep === undefined ? undefined : keptFolders(foldersOf(given), keep);
  refuseOverwriting(given, kept);
  const names = loadNames(given.value('names'), undefined);
  const reporters = reportersOf(given, { names, onCreate: supervision?.onCreate });
  const options = { ...runOptions(given, supervision), top, names };
  const exitCodes = new Map<string, number>();
  let signal: Signal | undefined;
  const stop = onSignals((received) => {
    signal = received;
  });
  try {
    reporters.begin(cases.map(({ dir }) => dir));
    for (const one of cases) {
      // Signals are delivered between turns of the event loop.
      await turn();
      if (signal !== undefined) return { exitCode: exitCodeOf(signal), exitCodes, signal };
      const checked = resultOf(one, withKept(options, kept?.get(one.dir)));
      checked.warnings.forEach(warn);
      reporters.finished(checked);
      if (checked.error !== undefined) STDERR.write(`nfreplay: ${checked.error.message}\n`);
      const failed = hasPassed(checked) ? ExitCode.DONE : ExitCode.DIFFERENT;
      exitCodes.set(one.dir, checked.error?.exitCode ?? failed);
    }
    await turn();
    if (signal !== undefined) return { exitCode: exitCodeOf(signal), exitCodes, signal };
    reporters.end();
    return { exitCode: Math.max(ExitCode.DONE, ...exitCodes.values()), exitCodes };
  } finally {
    reporters.discard();
    if (signal === undefined) stop();
  }
}

function runOptions(given: Arguments, supervision: Supervision | undefined): CheckOptions {
  const rulesPath = given.value('rules');
  return {
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(given.has('compare-rules') ? { comparesRules: true } : {}),
    ...(given.has('lax') ? { lax: true } : {}),
    ...(supervision === undefined ? {} : { onCreate: supervision.onCreate, hasEnded: supervision.hasEnded }),
  };
}

function withKept(options: CheckRunOptions, keepDir: string | undefined): CheckRunOptions {
  return keepDir === undefined ? options : { ...options, keepDir };
}

/** What came of ONE, also if it cannot be replayed. */
function resultOf({ dir, golden, error }: FoundCase, options: CheckRunOptions): CheckedCase {
  const startedMs = performance.now();
  try {
    if (golden === undefined) throw error;
    return checkedCase(golden, options);
  } catch (error) {
    if (error instanceof CliError || error instanceof ClosedPipeError || error instanceof InterruptedError) throw error;
    const seconds = (performance.now() - startedMs) / 1000;
    return { dir, tests: [], warnings: [], notes: [], seconds, error: errorIn(dir, error) };
  }
}

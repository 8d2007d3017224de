/** `nfreplay check --watch`: checks cases again whenever a file changes that they depend on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { rulesPathsOf } from '../../replay/rules-files.js';
import type { Arguments } from '../args.js';
import { reportError } from '../error-report.js';
import { ExitCode } from '../errors.js';
import { count } from '../number.js';
import { STDERR } from '../output.js';
import { reportFilesOf } from '../reporters/choose.js';
import { exitCodeOf, onSignals, type Signal } from '../signals.js';
import type { Supervision } from '../supervisor.js';
import { type CheckedRound, caseAt, caseKinds, type FoundCase, foldersOf } from './found-cases.js';
import { shardOf } from './shard.js';
import { stateOf } from './watched-files.js';

const POLL_MS = 300;
/** An editor may write a file in several steps. */
const SETTLING_MS = 100;

/**
 * Checks the cases that GIVEN names with CHECK, again and again, until a signal. Resolves with the exit code: after
 * Ctrl-C, the usual end, that of the last results of all cases.
 */
export async function watchCases(
  given: Arguments,
  check: (cases: readonly FoundCase[]) => Promise<CheckedRound>,
  supervision: Supervision | undefined,
): Promise<number> {
  const wake = new AbortController();
  let signal: Signal | undefined;
  onSignals((received) => {
    signal ??= received;
    wake.abort();
  });
  const hasEnded = (): boolean => signal !== undefined || supervision?.hasEnded() === true;
  const codes = new Map<string, number>();
  let seen = new Map<string, string>();
  while (!hasEnded()) {
    const states = await settledStates(given, seen, wake.signal);
    const changed = [...states].filter(([dir, state]) => seen.get(dir) !== state).map(([dir]) => dir);
    for (const dir of codes.keys()) if (!states.has(dir)) codes.delete(dir);
    if (changed.length > 0 && !hasEnded()) {
      // In a thread, Ctrl-C ends cases that are being checked at once.
      supervision?.onReady(false);
      const round = await check(changed.map((dir) => caseAt(dir, caseKinds(given))));
      supervision?.onReady(true);
      for (const [dir, code] of round.exitCodes) codes.set(dir, code);
      if (round.signal === undefined) STDERR.write(`watching ${count(states.size, 'case')}; Ctrl-C ends\n`);
      else signal ??= round.signal;
    }
    seen = states;
    if (!hasEnded()) await sleep(POLL_MS, undefined, { signal: wake.signal }).catch(() => {});
  }
  if (signal !== undefined && signal !== 'SIGINT') return exitCodeOf(signal);
  return Math.max(ExitCode.DONE, ...codes.values());
}

/** The state of the files of each case, once it no longer changes. SEEN: the states before. */
async function settledStates(
  given: Arguments,
  seen: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  let states = statesOf(given, seen);
  while (seen.size > 0 && !signal.aborted && !isSame(states, seen)) {
    await sleep(SETTLING_MS, undefined, { signal }).catch(() => {});
    const again = statesOf(given, seen);
    if (isSame(states, again)) break;
    states = again;
  }
  return states;
}

function statesOf(given: Arguments, seen: ReadonlyMap<string, string>): Map<string, string> {
  const names = given.value('names');
  const shared = stateOf([...rulesPathsOf(given.value('rules')), ...(names === undefined ? [] : [names])]);
  try {
    const written = reportFilesOf(given).map(({ path }) => path);
    const folders = shardOf(foldersOf(given), given.value('shard'));
    return new Map(folders.map((dir) => [dir, `${shared}\n${stateOf([dir], written)}`]));
  } catch (error) {
    // A folder is gone, perhaps for a moment.
    if (seen.size === 0) reportError(error);
    return new Map(seen);
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([dir, state]) => b.get(dir) === state);
}

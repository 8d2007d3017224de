/** Replays on the main thread, in steps between which signals are noticed, or in a thread that can be ended. */
import { statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { captureFiles } from '../replay/captures.js';
import { filesOfCommands } from '../replay/commands/host-command.js';
import type { ReplayOptions, ReplayProgress } from '../replay/replay.js';
import { rulesPathsOf } from '../replay/rules-files.js';
import { STDERR } from './output.js';
import { Progress } from './progress.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { NeedsThread, namesPipe, type Supervision } from './supervisor.js';

/** How long the main thread may be busy before it looks for signals. */
const TURN_MS = 50;
/** Rules that a packet may meet on the main thread: more can take too long. */
const MOST_RULES = 2 ** 22;
/** The size of a ruleset that is read on the main thread. */
const MOST_RULES_BYTES = 2 ** 24;

/** OPTIONS of a replay that SUPERVISION can end. */
export function supervised(options: ReplayOptions, { onCreate, hasEnded }: Supervision): ReplayOptions {
  return { ...options, onCreate, hasEnded };
}

/**
 * Takes the STEPS of replays as OPTIONS say, in a thread that can be ended at any time. The first SIGINT ends the
 * captures that are live.
 */
export function inThread<T>(
  steps: Generator<ReplayProgress, T, void>,
  options: readonly ReplayOptions[],
  supervision: Supervision,
): T {
  const progress = new Progress(STDERR);
  const isLive = namesPipe(options.flatMap(captureFiles));
  // Half of a ruleset is of no use.
  supervision.onReady(isLive && !namesPipe(options.flatMap(textsOf)));
  let step = steps.next();
  supervision.onReady(isLive);
  for (; !step.done; step = steps.next()) progress.update(step.value);
  progress.clear();
  return step.value;
}

/** The files that are read before the first packet. */
function textsOf({ rulesPath, hostPath, conntrackPath, ipsetPaths = [], apply = [] }: ReplayOptions): string[] {
  const given = [...rulesPathsOf(rulesPath), hostPath, conntrackPath, ...ipsetPaths, ...filesOfCommands(apply)];
  return given.filter((path) => path !== undefined);
}

/**
 * As `inSteps`; with SUPERVISION, in a thread, which reads nothing that is live.
 * @throws {NeedsThread}
 */
export async function stepwise<T>(
  steps: Generator<ReplayProgress, T, void>,
  options: readonly ReplayOptions[],
  supervision: Supervision | undefined,
): Promise<T | number> {
  if (supervision === undefined) return inSteps(steps, options);
  const progress = new Progress(STDERR);
  supervision.onReady(false);
  let step = steps.next();
  for (; !step.done; step = steps.next()) progress.update(step.value);
  progress.clear();
  return step.value;
}

/**
 * Takes the STEPS of replays as OPTIONS say, and notices signals between them. Resolves with their result, or with the
 * exit code if a signal ended them; then nothing was written.
 * @throws {NeedsThread} if one step can take too long
 */
export async function inSteps<T>(
  steps: Generator<ReplayProgress, T, void>,
  options: readonly ReplayOptions[],
): Promise<T | number> {
  const rulesPaths = options.flatMap(({ rulesPath, hostPath }) => rulesPathsOf(rulesPath ?? hostPath));
  const rulesBytes = rulesPaths.map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  if (Math.max(...rulesBytes) > MOST_RULES_BYTES) throw new NeedsThread();
  let signalled: Signal | undefined;
  const stop = onSignals((signal) => {
    signalled = signal;
  });
  const progress = new Progress(STDERR);
  let turnedMs = performance.now();
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      if (step.value.rulesPerPacket > MOST_RULES) throw new NeedsThread();
      if (performance.now() - turnedMs < TURN_MS) continue;
      progress.update(step.value);
      // Signals are delivered between turns of the event loop.
      await turn();
      turnedMs = performance.now();
      if (signalled !== undefined) return exitCodeOf(signalled);
    }
  } finally {
    steps.return(undefined as never);
    progress.clear();
    if (signalled === undefined) stop();
  }
}

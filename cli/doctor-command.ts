/** The command `nfreplay doctor`. */
import { setImmediate as turn } from 'node:timers/promises';
import { shownJson } from '../codecs/text.js';
import { type Diagnosis, diagnose } from '../explain/doctor/diagnose.js';
import { formatDiagnosis } from '../explain/doctor/text.js';
import { findingJson } from '../explain/findings.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { captureFiles } from '../replay/captures.js';
import type { ReplayOptions } from '../replay/replay.js';
import { parseCommand } from './args.js';
import { DOCTOR } from './commands/doctor.js';
import { ExitCode, UsageError } from './errors.js';
import { STDERR, STDOUT, warn } from './output.js';
import { Progress } from './progress.js';
import { replayOptionsOf } from './replay-options.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { namesPipe } from './supervisor.js';

/** How long the main thread may be busy before it looks for signals. */
const TURN_MS = 50;

/** Runs the command; resolves with the exit code. */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  const given = parseCommand(DOCTOR, args);
  const options = replayOptionsOf(given);
  const captures = captureFiles(options);
  if (namesPipe(captures)) {
    throw new UsageError('doctor reads captures more than once, to try what it suggests: give files, not a pipe');
  }
  const diagnosis = await inTurns(options);
  if (typeof diagnosis === 'number') return diagnosis;
  diagnosis.warnings.forEach(warn);
  if (given.has('json')) {
    const { findings, ...others } = diagnosis;
    const json = { schema: 1, findings: findings.map(findingJson), ...others };
    STDOUT.write(`${shownJson(json)}\n`);
  } else STDOUT.write(formatDiagnosis(diagnosis, styleOf(STDOUT, given.color), widthOf(STDOUT)));
  return diagnosis.findings.length > 0 ? ExitCode.DIFFERENT : ExitCode.DONE;
}

/** Resolves with the diagnosis, or with the exit code if a signal ended it. */
async function inTurns(options: ReplayOptions): Promise<Diagnosis | number> {
  let signalled: Signal | undefined;
  const stop = onSignals((signal) => {
    signalled = signal;
  });
  const progress = new Progress(STDERR);
  const steps = diagnose(options);
  let turnedMs = performance.now();
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
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

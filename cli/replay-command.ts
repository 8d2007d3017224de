/** The command `nfreplay replay`: options, progress line, signals and output. */
import { statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { shownJson, shownLines } from '../codecs/text.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { captureFiles } from '../replay/captures.js';
import { filesOfCommands } from '../replay/commands/host-command.js';
import { type ReplayOptions, replaySteps } from '../replay/replay.js';
import { STANDARD_OUTPUT } from '../replay/replay-run.js';
import { rulesPathsOf } from '../replay/rules-files.js';
import type { Summary } from '../replay/summary.js';
import { type Arguments, parseCommand } from './args.js';
import { REPLAY } from './commands/replay.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';
import { Progress } from './progress.js';
import { replayOptionsOf } from './replay-options.js';
import { formatReport } from './report.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { NeedsThread, namesPipe, type Supervision } from './supervisor.js';

const DEFAULT_TOP = 10;
/** How long the main thread may be busy before it looks for signals. */
const TURN_MS = 50;
/** Rules that a packet may meet on the main thread: more can take too long. */
const MOST_RULES = 2 ** 22;
/** The size of a ruleset that is read on the main thread. */
const MOST_RULES_BYTES = 2 ** 24;

/** Runs the command; resolves with the exit code. */
export async function replayCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(REPLAY, args);
  const options = optionsOf(given);
  if (given.has('expect-egress') && !given.has('capture')) {
    throw new UsageError('--expect-egress requires --capture: a capture that shows what the host sent');
  }
  if (options.outDir === STANDARD_OUTPUT && STDOUT.isTTY) {
    throw new UsageError('--out -: standard output is a terminal; pipe it, as in: --out - | tcpdump -nr -');
  }
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const startedMs = performance.now();
  const summary = supervision === undefined ? await inSteps(options) : supervised(options, supervision);
  if (typeof summary === 'number') return summary;

  summary.warnings.forEach(warn);
  if (summary.applied?.output !== undefined) STDERR.write(shownLines(summary.applied.output));
  for (const { output = '' } of summary.changes ?? []) if (output !== '') STDERR.write(shownLines(output));
  // If standard output carries packets, the report must not go there.
  const reportOutput = options.outDir === STANDARD_OUTPUT ? STDERR : STDOUT;
  if (given.has('json')) {
    reportOutput.write(`${shownJson(summary)}\n`);
  } else {
    const style = styleOf(reportOutput, given.color);
    const durationMs = performance.now() - startedMs;
    const width = widthOf(reportOutput);
    const showsEgress = given.has('expect-egress');
    reportOutput.write(formatReport(summary, { style, top, outDir: options.outDir, durationMs, width, showsEgress }));
  }
  const hasOtherCounters = (summary.counters?.different ?? 0) > 0;
  const isDifferent = hasOtherCounters || (given.has('expect-egress') && !isEgressTheSame(summary));
  const code = given.has('strict') ? strictly(summary) : ExitCode.DONE;
  return isDifferent ? ExitCode.DIFFERENT : code;
}

/** Whether what left the host was compared, and is the same; says so if nothing was compared. */
function isEgressTheSame({ egress }: Summary): boolean {
  if (egress === undefined) return false;
  const differences = egress.missing + egress.extra + egress.different;
  // What the host itself sent is what was captured: that it is the same shows little.
  if (differences > 0 || egress.matched > egress.ownMatched) return differences === 0;
  STDERR.write(
    'nfreplay: --expect-egress: nothing was compared: the captures show no packet that the host forwarded, or ' +
      'answered by its rules\n',
  );
  return false;
}

/** Link-layer protocols that have nothing to do with the rules of a host, and packets that those rules prevent. */
const IGNORED: readonly string[] = ['arp', 'lldp', 'llc', 'not-sent', 'own-answer', 'captured-twice'];

/** The exit code with `--strict`; says why if it is not 0. */
function strictly({ warnings, assumed, skipped, uncertain }: Summary): ExitCode {
  const leftOut = Object.entries(skipped).filter(([reason]) => !IGNORED.includes(reason));
  const reasons = [
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...(uncertain === undefined ? [] : [`${count(uncertain.packets, 'packet')} uncertain`]),
    ...(assumed.length > 0 ? [count(assumed.length, 'assumption')] : []),
    ...leftOut.map(([reason, packets]) => `${count(packets, 'packet')} skipped: ${reason}`),
  ];
  if (reasons.length === 0) return ExitCode.DONE;
  STDERR.write(`nfreplay: --strict: ${reasons.join('; ')}\n`);
  return ExitCode.DIFFERENT;
}

function optionsOf(given: Arguments): ReplayOptions {
  const engine = given.value('engine');
  const outDir = given.value('out');
  return {
    ...replayOptionsOf(given),
    expectCounters: given.values('expect-counters'),
    ...(outDir === undefined ? {} : { outDir }),
    ...(given.has('log-time') ? { logTime: true } : {}),
    ...(given.has('expect-egress') ? { expectEgress: true } : {}),
    ...(engine === undefined ? {} : { engine: engine as NonNullable<ReplayOptions['engine']> }),
  };
}

/**
 * Replays in steps, between which signals are noticed. Resolves with the summary, or with the exit code if a signal
 * ended the replay; then nothing was written.
 * @throws {NeedsThread} if one step can take too long
 */
async function inSteps(options: ReplayOptions): Promise<Summary | number> {
  const rulesPaths = rulesPathsOf(options.rulesPath ?? options.hostPath);
  const rulesBytes = rulesPaths.map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  if (Math.max(...rulesBytes) > MOST_RULES_BYTES) throw new NeedsThread();
  let signalled: Signal | undefined;
  const stop = onSignals((signal) => {
    signalled = signal;
  });
  const progress = new Progress(STDERR);
  const steps = replaySteps(options);
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

/** Replays in a thread that can be ended at any time. */
function supervised(options: ReplayOptions, supervision: Supervision): Summary {
  const captures = captureFiles(options);
  const progress = new Progress(STDERR);
  const steps = replaySteps({ ...options, onCreate: supervision.onCreate, hasEnded: supervision.hasEnded });
  const isLive = namesPipe(captures);
  // Half of a ruleset is of no use.
  const { rulesPath, hostPath, conntrackPath, ipsetPaths = [], apply = [] } = options;
  const given = [...rulesPathsOf(rulesPath), hostPath, conntrackPath, ...ipsetPaths, ...filesOfCommands(apply)];
  const texts = given.filter((path) => path !== undefined);
  supervision.onReady(isLive && !namesPipe(texts));
  let step = steps.next();
  supervision.onReady(isLive);
  for (; !step.done; step = steps.next()) progress.update(step.value);
  progress.clear();
  return step.value;
}

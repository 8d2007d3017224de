/** The command `nfreplay replay`: options, progress line, signals and output. */
import { existsSync, statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { shownJson, shownLines } from '../codecs/text.js';
import type { Guess } from '../core/rules/guess/guess.js';
import { captureFiles } from '../replay/captures.js';
import { filesOfCommands } from '../replay/commands/host-command.js';
import { type ReplayOptions, replaySteps } from '../replay/replay.js';
import { STANDARD_OUTPUT } from '../replay/replay-run.js';
import { rulesPathsOf } from '../replay/rules-files.js';
import type { Summary } from '../replay/summary.js';
import { type Arguments, parseCommand } from './args.js';
import { widthOf } from './columns.js';
import { REPLAY } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';
import { Progress } from './progress.js';
import { formatReport } from './report.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { styleOf } from './style.js';
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
  const seed = given.wholeNumber('seed');
  const limit = given.wholeNumber('limit');
  const show = given.value('show');
  const engine = given.value('engine');
  const checksums = given.value('checksums');
  const nfqueue = given.value('nfqueue');
  const outDir = given.value('out');
  const rulesPath = given.value('rules');
  const guess = given.value('guess');
  const namesPath = given.value('names');
  const conntrackPath = given.value('conntrack');
  const backend = given.value('backend');
  return {
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ipsetPaths: given.values('ipset'),
    ...(namesPath === undefined ? {} : { namesPath }),
    hostPath: given.required('host'),
    inputs: given.values('in').map(inputOf),
    captures: given.values('capture').map(hostCaptureOf),
    expectCounters: given.values('expect-counters'),
    apply: given.values('apply'),
    changes: given.values('at'),
    ...(backend === undefined ? {} : { backend: backend as NonNullable<ReplayOptions['backend']> }),
    lax: given.has('lax'),
    ...(guess === undefined ? {} : { guess: guess as Guess }),
    keepCounters: given.has('keep-counters'),
    ...(outDir === undefined ? {} : { outDir }),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
    stitchPaths: given.values('stitch'),
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { limit }),
    ...selectionOptions(given),
    ...(show === undefined ? {} : { show }),
    ...(checksums === undefined ? {} : { checksums: checksums as NonNullable<ReplayOptions['checksums']> }),
    ...(given.has('log-time') ? { logTime: true } : {}),
    ...(nfqueue === undefined ? {} : { nfqueue: nfqueue as NonNullable<ReplayOptions['nfqueue']> }),
    ...(given.has('expect-egress') ? { expectEgress: true } : {}),
    ...(engine === undefined ? {} : { engine: engine as NonNullable<ReplayOptions['engine']> }),
  };
}

/** Which packets of the captures GIVEN asks for. */
export function selectionOptions(given: Arguments): Pick<ReplayOptions, 'filter' | 'from' | 'to'> {
  const filter = given.value('filter');
  const from = given.value('from');
  const to = given.value('to');
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** Parses the value of `--in`. */
export function inputOf(given: string): { iface: string; path: string } {
  const at = given.indexOf('=');
  if (at <= 0 || at === given.length - 1) throw new UsageError(`--in ${given}: expected IFACE=FILE`);
  return { iface: given.slice(0, at), path: given.slice(at + 1) };
}

/** Parses the value of `--capture`: FILE, or IFACE=FILE unless there is a file of that name. */
function hostCaptureOf(given: string): { iface?: string; path: string } {
  const at = given.indexOf('=');
  const isFile = at <= 0 || at === given.length - 1 || given.slice(0, at).includes('/') || existsSync(given);
  return isFile ? { path: given } : { iface: given.slice(0, at), path: given.slice(at + 1) };
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

/** The command `nfreplay replay`: options, progress line, signals and output. */
import { setImmediate as turn } from 'node:timers/promises';
import { shown, shownJson } from '../codecs/text.js';
import { type ReplayOptions, replaySteps } from '../replay/replay.js';
import { STANDARD_OUTPUT } from '../replay/replay-run.js';
import type { Summary } from '../replay/summary.js';
import { type Arguments, parseCommand } from './args.js';
import { widthOf } from './columns.js';
import { REPLAY } from './commands.js';
import { ExitCode, UsageError } from './errors.js';
import { count } from './number.js';
import { STDERR, STDOUT } from './output.js';
import { Progress } from './progress.js';
import { formatReport } from './report.js';
import { styleOf } from './style.js';

const DEFAULT_TOP = 10;
/** Shells add this to the number of the signal that ended a process. */
const SIGNALLED = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Runs the command; resolves with the exit code. */
export async function replayCommand(args: readonly string[]): Promise<number> {
  const given = parseCommand(REPLAY, args);
  const options = optionsOf(given);
  if (options.outDir === STANDARD_OUTPUT && STDOUT.isTTY) {
    throw new UsageError('--out -: standard output is a terminal; pipe it, as in: --out - | tcpdump -nr -');
  }
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const startedMs = performance.now();
  const summary = await interruptible(options);
  if (typeof summary === 'number') return summary;

  for (const warning of summary.warnings) STDERR.write(`nfreplay: warning: ${shown(warning)}\n`);
  // If standard output carries packets, the report must not go there.
  const reportOutput = options.outDir === STANDARD_OUTPUT ? STDERR : STDOUT;
  if (given.has('json')) {
    reportOutput.write(`${shownJson(summary)}\n`);
  } else {
    const style = styleOf(reportOutput, given.color);
    const durationMs = performance.now() - startedMs;
    const width = widthOf(reportOutput);
    reportOutput.write(formatReport(summary, { style, top, outDir: options.outDir, durationMs, width }));
  }
  return given.has('strict') ? strictly(summary) : ExitCode.DONE;
}

/** Link-layer protocols that have nothing to do with the rules of a host. */
const IGNORED: readonly string[] = ['arp', 'lldp', 'llc'];

/** The exit code with `--strict`; says why if it is not 0. */
function strictly({ warnings, skipped }: Summary): ExitCode {
  const leftOut = Object.entries(skipped).filter(([reason]) => !IGNORED.includes(reason));
  const reasons = [
    ...(warnings.length > 0 ? [count(warnings.length, 'warning')] : []),
    ...leftOut.map(([reason, packets]) => `${count(packets, 'packet')} skipped: ${reason}`),
  ];
  if (reasons.length === 0) return ExitCode.DONE;
  STDERR.write(`nfreplay: --strict: ${reasons.join('; ')}\n`);
  return ExitCode.DIFFERENT;
}

function optionsOf(given: Arguments): ReplayOptions {
  const seed = given.wholeNumber('seed');
  const limit = given.wholeNumber('limit');
  const stitchPath = given.value('stitch');
  const engine = given.value('engine');
  const outDir = given.value('out');
  return {
    rulesPath: given.required('rules'),
    hostPath: given.required('host'),
    inputs: given.values('in').map(inputOf),
    lax: given.has('lax'),
    keepCounters: given.has('keep-counters'),
    ...(outDir === undefined ? {} : { outDir }),
    ...(stitchPath === undefined ? {} : { stitchPath }),
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { limit }),
    ...(engine === undefined ? {} : { engine: engine as NonNullable<ReplayOptions['engine']> }),
  };
}

/** Parses the value of `--in`. */
export function inputOf(given: string): { iface: string; path: string } {
  const at = given.indexOf('=');
  if (at <= 0 || at === given.length - 1) throw new UsageError(`--in ${given}: expected IFACE=FILE`);
  return { iface: given.slice(0, at), path: given.slice(at + 1) };
}

/** Resolves with the summary, or with the exit code if a signal ended the replay; then nothing was written. */
async function interruptible(options: ReplayOptions): Promise<Summary | number> {
  let signalled = 0;
  const listeners = Object.entries(SIGNALS).map(([signal, number]) => {
    const listener = () => {
      signalled = number;
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  const progress = new Progress(STDERR);
  const steps = replaySteps(options);
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      const { packets, consumedBytes, totalBytes } = step.value;
      progress.update(packets, consumedBytes, totalBytes);
      // Signals are delivered between turns of the event loop.
      await turn();
      if (signalled === 0) continue;
      steps.return(undefined as never);
      return SIGNALLED + signalled;
    }
  } finally {
    progress.clear();
    for (const off of listeners) off();
  }
}

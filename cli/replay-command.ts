import { shownJson, shownLines } from '../codecs/text.js';
import { StoryFiles } from '../explain/capture/story-files.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { type ReplayOptions, replaySteps } from '../replay/replay.js';
import { STANDARD_OUTPUT } from '../replay/replay-run.js';
import type { Summary } from '../replay/summary.js';
import { type Arguments, parseCommand } from './args.js';
import { REPLAY } from './commands/replay.js';
import { ExitCode, UsageError } from './errors.js';
import { STDERR, STDOUT, warn } from './output.js';
import { expectedOptionsOf, replayOptionsOf } from './replay-options.js';
import { formatReport } from './report.js';
import { inSteps, inThread, supervised } from './stepwise.js';
import { strictly } from './strictness.js';
import type { Supervision } from './supervisor.js';

const DEFAULT_TOP = 10;
/** Runs the command; resolves with the exit code. */
export async function replayCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(REPLAY, args);
  const options = { ...optionsOf(given), ...storiesOf(given, supervision) };
  if (options.outDir === STANDARD_OUTPUT && STDOUT.isTTY) {
    throw new UsageError('--out -: standard output is a terminal; pipe it, as in: --out - | tcpdump -nr -');
  }
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const startedMs = performance.now();
  const summary =
    supervision === undefined
      ? await inSteps(replaySteps(options), [options])
      : inThread(replaySteps(supervised(options, supervision)), [options], supervision);
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

/** Tells the stories that GIVEN asks for while packets are replayed. */
function storiesOf(given: Arguments, supervision?: Supervision): Pick<ReplayOptions, 'watch'> {
  const annotatePath = given.value('annotate');
  const tracePath = given.value('trace');
  if (annotatePath === undefined && tracePath === undefined) return {};
  const { onCreate } = supervision ?? {};
  return { watch: (run) => new StoryFiles(run, { annotatePath, tracePath, onCreate }) };
}

function optionsOf(given: Arguments): ReplayOptions {
  const engine = given.value('engine');
  const outDir = given.value('out');
  const saveRulesPath = given.value('save-rules');
  return {
    ...replayOptionsOf(given),
    ...expectedOptionsOf(given),
    ...(outDir === undefined ? {} : { outDir }),
    ...(saveRulesPath === undefined ? {} : { saveRulesPath }),
    ...(given.has('log-time') ? { logTime: true } : {}),
    ...(engine === undefined ? {} : { engine: engine as NonNullable<ReplayOptions['engine']> }),
  };
}

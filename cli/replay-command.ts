import { shownJson, shownLines } from '../codecs/text.js';
import { StoryFiles } from '../explain/capture/story-files.js';
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
import { STDERR, STDOUT, warn } from './output.js';
import { Progress } from './progress.js';
import { replayOptionsOf } from './replay-options.js';
import { formatReport } from './report.js';
import { inSteps } from './stepwise.js';
import { strictly } from './strictness.js';
import { namesPipe, type Supervision } from './supervisor.js';

const DEFAULT_TOP = 10;
/** Runs the command; resolves with the exit code. */
export async function replayCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(REPLAY, args);
  const options = { ...optionsOf(given), ...storiesOf(given, supervision) };
  if (given.has('expect-egress') && !given.has('capture')) {
    throw new UsageError('--expect-egress requires --capture: a capture that shows what the host sent');
  }
  if (options.outDir === STANDARD_OUTPUT && STDOUT.isTTY) {
    throw new UsageError('--out -: standard output is a terminal; pipe it, as in: --out - | tcpdump -nr -');
  }
  const top = given.wholeNumber('top') ?? DEFAULT_TOP;
  const startedMs = performance.now();
  const summary =
    supervision === undefined ? await inSteps(replaySteps(options), [options]) : supervised(options, supervision);
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
    expectCounters: given.values('expect-counters'),
    ...(outDir === undefined ? {} : { outDir }),
    ...(saveRulesPath === undefined ? {} : { saveRulesPath }),
    ...(given.has('log-time') ? { logTime: true } : {}),
    ...(given.has('expect-egress') ? { expectEgress: true } : {}),
    ...(engine === undefined ? {} : { engine: engine as NonNullable<ReplayOptions['engine']> }),
  };
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

/** The command `nfreplay report`: one page that shows what became of the packets. */
import { shownPath } from '../codecs/text.js';
import type { ResultIndex } from '../explain/report/format/model.js';
import type { Report } from '../explain/report/format/report.js';
import { type ReportedReplay, reportSteps } from '../explain/report/make-report.js';
import { pageHtml } from '../explain/report/page.js';
import { readPageAssets } from '../io/page-assets.js';
import type { ReplayProgress } from '../replay/replay.js';
import { parseCommand } from './args.js';
import { DEFAULT_REPORT, REPORT } from './commands/report.js';
import { ExitCode, UsageError } from './errors.js';
import { count, formatNumber } from './number.js';
import { STDERR, STDOUT, warn } from './output.js';
import { ReportFile, STANDARD_OUTPUT } from './report-file.js';
import { comparedSections, type ReportSubject, subjectOf, wholeSections } from './report-subject.js';
import { inSteps, inThread, supervised } from './stepwise.js';
import { reasonsAgainst, strictCode } from './strictness.js';
import type { Supervision } from './supervisor.js';

const BYTES_PER_KB = 1000;

/** Runs the command; resolves with the exit code. */
export async function reportCommand(args: readonly string[], supervision?: Supervision): Promise<number> {
  const given = parseCommand(REPORT, args);
  const out = given.value('out') ?? DEFAULT_REPORT;
  const subject = subjectOf(given, supervision);
  if (given.positionals.length > 1 && subject.replays.length > 0)
    throw new UsageError('a report is about one folder; nfreplay view shows several side by side');
  const file = new ReportFile(out, supervision?.onCreate);
  file.refuseIn(subject.closedFolders);
  const report = await made(subject, supervision);
  if (typeof report === 'number') return report;
  const summaries = report.index.results.flatMap(({ summary }) => summary ?? []);
  for (const warning of new Set(summaries.flatMap(({ warnings }) => warnings))) warn(warning);
  const page = Buffer.from(pageHtml(report, readPageAssets(report.index.hasBench ? 'bench' : 'report')));
  file.write(page);
  const says = out === STANDARD_OUTPUT ? STDERR : STDOUT;
  for (const line of linesOf(report, out, page.length)) says.write(`${line}\n`);
  return given.has('strict') ? strictCode(summaries.flatMap(reasonsAgainst)) : ExitCode.DONE;
}

/** The report about SUBJECT; or the exit code, if a signal ended it. */
async function made(subject: ReportSubject, supervision: Supervision | undefined): Promise<Report | number> {
  const replays = subject.replays.map(({ name, options }) => ({
    name,
    options: supervision === undefined ? options : supervised(options, supervision),
  }));
  const options = replays.map((replay) => replay.options);
  const steps = stepsOf(subject, replays);
  return supervision === undefined ? inSteps(steps, options) : inThread(steps, options, supervision);
}

function* stepsOf(subject: ReportSubject, replays: readonly ReportedReplay[]): Generator<ReplayProgress, Report, void> {
  const compared = yield* comparedSections(subject, replays);
  return yield* reportSteps(subject.title, replays, new Map([...wholeSections(subject), ...compared]));
}

/** What is said of a REPORT of BYTES that was written to OUT. */
function linesOf({ index }: Report, out: string, bytes: number): string[] {
  const name = out === STANDARD_OUTPUT ? 'the report' : shownPath(out);
  const packets = index.results.map(({ packets: { read } }) => formatNumber(read)).join(' and ');
  const what = index.results.length === 0 ? '' : `${packets} packets, `;
  const size = `${formatNumber(Math.max(1, Math.round(bytes / BYTES_PER_KB)))} kB`;
  return [`${name}: ${what}${size}`, ...index.results.flatMap(leftOutLines)];
}

function leftOutLines({ name, packets }: ResultIndex): string[] {
  const { leftOut, leftOutBy, listed } = packets;
  if (leftOut === 0 || leftOutBy === 'show') return [];
  return [
    `${shownPath(name)}: ${count(listed, 'packet')} listed, ${formatNumber(leftOut)} left out; --show chooses which`,
  ];
}

/**
 * The command `nfreplay view`. Packets are replayed in a thread, which works without pause or waits for a pipe; the
 * main thread serves what the other one has found so far, and notices signals.
 */
import { ReportedRun } from '../explain/report/make-report.js';
import { livePageHtml } from '../explain/report/page.js';
import { readPageAssets } from '../io/page-assets.js';
import { captureFiles } from '../replay/captures.js';
import { type Arguments, parseCommand } from './args.js';
import { VIEW } from './commands/view.js';
import { ExitCode, UsageError } from './errors.js';
import { STDERR, STDOUT, warn } from './output.js';
import { comparedSections, pageOf, subjectOf, wholeSections } from './report-subject.js';
import { exitCodeOf, onSignals, type Signal } from './signals.js';
import { supervised } from './stepwise.js';
import { NeedsThread, namesPipe, runInThread, type Supervision } from './supervisor.js';
import { Publisher } from './view/publisher.js';
import { type ReportUpdate, ServedReport } from './view/served-report.js';
import { ViewServer } from './view/view-server.js';

const MOST_PORT = 65_535;

/** Runs the command ARGV: serves on the main thread what a thread replays, which is started by MAIN. */
export async function viewOnMainThread(main: string, argv: readonly string[]): Promise<number> {
  const given = parseCommand(VIEW, argv.slice(1));
  const port = portOf(given);
  const report = new ServedReport();
  const title = given.value('title') ?? 'nfreplay view';
  const server = await ViewServer.listen({ port, page: livePageHtml(title, readPageAssets(pageOf(given))), report });
  try {
    const onData = (data: unknown): void => {
      if (data === READY) tellAddress(server);
      else report.update(data as ReportUpdate);
    };
    const exitCode = await runInThread(main, argv, onData);
    if (exitCode !== ExitCode.DONE) return exitCode;
    STDERR.write('nfreplay: all packets have been replayed; Ctrl-C ends the view\n');
    const signal = await nextSignal();
    // Ctrl-C is how it is meant to end.
    return signal === 'SIGINT' ? ExitCode.DONE : exitCodeOf(signal);
  } finally {
    await server.close();
  }
}

/** What the thread posts when rules and hosts are read, before the first packet. */
const READY = 'ready';

/** In the thread: replays what ARGS ask for, and posts the report again and again. Returns the exit code. */
export function viewCommand(args: readonly string[], supervision?: Supervision): number {
  if (supervision === undefined) throw new NeedsThread();
  const given = parseCommand(VIEW, args);
  const subject = subjectOf(given, supervision);
  // Whoever waits for a pipe asks now and then whether it has ended.
  const hasEnded = (): boolean => {
    publisher.publishSometimes();
    return supervision.hasEnded();
  };
  const replays = subject.replays.map(({ name, options }) => ({
    name,
    options: supervised(options, { ...supervision, hasEnded }),
  }));
  const runs = replays.map((replay) => new ReportedRun(replay));
  const whole = wholeSections(subject);
  const publisher = new Publisher({ title: subject.title, runs, whole }, supervision.post);
  supervision.onReady(false);
  // All rules and hosts are read before the first packet: what is wrong with them is said at once.
  const left = new Set(runs.filter((run) => run.step()));
  supervision.post(READY);
  supervision.onReady(subject.replays.some(({ options }) => namesPipe(captureFiles(options))));
  try {
    while (left.size > 0) {
      for (const run of left) if (!run.step()) left.delete(run);
      publisher.publishSometimes();
    }
    publisher.publish();
    publisher.add(last(comparedSections(subject, replays)));
  } finally {
    for (const run of left) run.abandon();
  }
  const summaries = runs.flatMap(({ summary }) => summary ?? []);
  for (const warning of new Set(summaries.flatMap(({ warnings }) => warnings))) warn(warning);
  return ExitCode.DONE;
}

/** What STEPS come to. */
function last<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

function portOf(given: Arguments): number {
  const port = given.wholeNumber('port') ?? 0;
  if (port > MOST_PORT) throw new UsageError(`--port ${port}: expected a number up to ${MOST_PORT}`);
  return port;
}

function tellAddress({ address }: ViewServer): void {
  STDOUT.write(`${address}\n`);
  STDERR.write('nfreplay: open this address in a browser on this machine; Ctrl-C ends the view\n');
}

function nextSignal(): Promise<Signal> {
  return new Promise((resolve) => onSignals(resolve));
}

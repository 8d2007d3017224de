#!/usr/bin/env node
// nfreplay: runs the command, and shows any error. Its imports are static: `import()`
// makes the bundler wrap each module in a function, which V8 then parses twice.
import { withNearest } from '../codecs/nearest.js';
import { widthOf } from '../explain/text/columns.js';
import { styleOf } from '../explain/text/style.js';
import { version } from '../replay/version.js';
import { type CommandSpec, colorIn } from './args.js';
import { benchCommand } from './bench-command.js';
import { checkCommand } from './check-command.js';
import { BENCH } from './commands/bench.js';
import { CHECK } from './commands/check.js';
import { COMPLETION } from './commands/completion.js';
import { DIFF } from './commands/diff.js';
import { DOCKER } from './commands/docker.js';
import { DOCTOR } from './commands/doctor.js';
import { COMMANDS } from './commands/index.js';
import { INIT } from './commands/init.js';
import { LINT } from './commands/lint.js';
import { REPLAY } from './commands/replay.js';
import { REPORT } from './commands/report.js';
import { SAVE } from './commands/save.js';
import { SCAN } from './commands/scan.js';
import { SHARE } from './commands/share.js';
import { SHRINK } from './commands/shrink.js';
import { SNAPSHOT } from './commands/snapshot.js';
import { TRACE } from './commands/trace.js';
import { VIEW } from './commands/view.js';
import { completionCommand } from './completion-command.js';
import { diffCommand } from './diff-command.js';
import { dockerCommand } from './docker-command.js';
import { doctorCommand } from './doctor-command.js';
import { reportError } from './error-report.js';
import { ExitCode, UsageError } from './errors.js';
import { helpOf, overview } from './help.js';
import { initCommand } from './init-command.js';
import { lintCommand } from './lint-command.js';
import { closeDeadTerminals, STDERR, STDOUT } from './output.js';
import { replayCommand } from './replay-command.js';
import { reportCommand } from './report-command.js';
import { saveCommand } from './save-command.js';
import { scanCommand } from './scan-command.js';
import { shareCommand } from './share-command.js';
import { shrinkCommand } from './shrink-command.js';
import { onSignals } from './signals.js';
import { snapshotCommand } from './snapshot-command.js';
import { NeedsThread, namesPipe, runInThread, runThread, type Supervision } from './supervisor.js';
import { traceCommand } from './trace-command.js';
import { viewCommand, viewOnMainThread } from './view-command.js';

/** What runs each command; it resolves with the exit code. */
type Run = (args: readonly string[], supervision?: Supervision) => Promise<number> | number;

const RUN: Readonly<Record<string, Run>> = {
  [REPLAY.name]: replayCommand,
  [REPORT.name]: reportCommand,
  [VIEW.name]: viewCommand,
  [TRACE.name]: traceCommand,
  [DIFF.name]: diffCommand,
  [SCAN.name]: scanCommand,
  [DOCTOR.name]: doctorCommand,
  [DOCKER.name]: dockerCommand,
  [CHECK.name]: checkCommand,
  [INIT.name]: initCommand,
  [SHARE.name]: shareCommand,
  [SHRINK.name]: shrinkCommand,
  [BENCH.name]: benchCommand,
  [LINT.name]: lintCommand,
  [SAVE.name]: saveCommand,
  [SNAPSHOT.name]: snapshotCommand,
  [COMPLETION.name]: completionCommand,
};

/** The commands that read and write pipes, and those that always run in a thread. */
const PIPED: readonly string[] = [REPLAY.name, REPORT.name, INIT.name];
const SUPERVISED: readonly string[] = [BENCH.name, SCAN.name, SHARE.name, SHRINK.name];

function commandNamed(name: string): CommandSpec {
  const found = COMMANDS.find((spec) => spec.name === name);
  if (found) return found;
  const names = COMMANDS.map((spec) => spec.name);
  throw new UsageError(withNearest(`unknown command: ${name}`, name, names));
}

/** Whether `--help` is among WORDS; behind `--` it is the name of a file. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

async function run([first, ...rest]: readonly string[], supervision?: Supervision): Promise<number> {
  if (first === '--version' || first === '-v') {
    STDOUT.write(`${version()}\n`);
    return ExitCode.DONE;
  }
  if (asksForHelp([first ?? '']) || (first === 'help' && !rest.length)) {
    STDOUT.write(overview(styleOf(STDOUT, colorIn(rest)), widthOf(STDOUT)));
    return ExitCode.DONE;
  }
  if (first === undefined) {
    STDERR.write(overview(styleOf(STDERR), widthOf(STDERR)));
    return ExitCode.USAGE;
  }
  if (first.startsWith('-')) {
    throw new UsageError(withNearest(`expected a command before ${first}`, first, ['--help', '--version']));
  }
  if (first === 'help' || asksForHelp(rest)) {
    const spec = commandNamed(first === 'help' ? rest[0] : first);
    STDOUT.write(`${helpOf(spec, styleOf(STDOUT, colorIn(rest)), widthOf(STDOUT))}\n`);
    return ExitCode.DONE;
  }
  return RUN[commandNamed(first).name](rest, supervision);
}

/** Runs the command on the main thread, or where that might be busy for too long, in a thread. */
async function runAnywhere(argv: readonly string[]): Promise<number> {
  if (!asksForHelp(argv) && argv[0] === VIEW.name) return viewOnMainThread(import.meta.url, argv);
  if (!asksForHelp(argv) && (SUPERVISED.includes(argv[0]) || (PIPED.includes(argv[0]) && namesPipe(argv))))
    return runInThread(import.meta.url, argv);
  try {
    return await run(argv);
  } catch (error) {
    if (error instanceof NeedsThread) return runInThread(import.meta.url, argv);
    throw error;
  }
}

/** The exit code that RUNNING resolves with, or that of its error, which is shown. */
async function reported(running: Promise<number>): Promise<number> {
  return running.catch(reportError);
}

const isThread = await runThread(import.meta.url, (argv, supervision) => reported(run(argv, supervision)));
if (!isThread) {
  process.on('exit', closeDeadTerminals);
  process.exitCode = await reported(runAnywhere(process.argv.slice(2)));
  // Everything is done and said: a signal must not change the exit code any more.
  onSignals(() => {});
}

#!/usr/bin/env node
// nfreplay: runs the command and turns any error into one message and an exit code. Its imports are static: `import()`
// makes the bundler wrap each module in a function, which V8 then parses twice.
import { CaptureError } from '../codecs/capture-error.js';
import { ConntrackListError } from '../codecs/conntrack-list-error.js';
import { FilterError } from '../codecs/filter/filter-error.js';
import { HostError } from '../codecs/host/error.js';
import { withNearest } from '../codecs/nearest.js';
import { shown, shownLines } from '../codecs/text.js';
import { TooManyConnectionsError } from '../core/conntrack/table.js';
import { AddressSpaceError } from '../core/memory.js';
import { RulesetError } from '../core/rules/parse/error.js';
import { ClosedPipeError, errorCode, FileError, InterruptedError, systemMessage } from '../io/file-error.js';
import { NotFollowedError, ReplayOptionsError } from '../replay/errors.js';
import { version } from '../replay/version.js';
import { type CommandSpec, colorIn } from './args.js';
import { benchCommand } from './bench-command.js';
import { check } from './check.js';
import { widthOf } from './columns.js';
import { BENCH, CHECK, COMMANDS, COMPLETION, REPLAY, SAVE, SNAPSHOT } from './commands.js';
import { completionCommand } from './completion-command.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { helpOf, overview } from './help.js';
import { closeDeadTerminals, STDERR, STDOUT } from './output.js';
import { replayCommand } from './replay-command.js';
import { saveCommand } from './save-command.js';
import { exitCodeOf, onSignals } from './signals.js';
import { snapshotCommand } from './snapshot-command.js';
import { styleOf } from './style.js';
import { NeedsThread, namesPipe, runInThread, runThread, type Supervision } from './supervisor.js';

/** EX_SOFTWARE in sysexits.h: an internal error. */
const INTERNAL_ERROR = 70;

const LAX_HINT =
  '(--lax goes on without these rules: they never match, and packets that they might match are uncertain)';
const LAX_SAVE_HINT = '(--lax prints these rules as they are written)';

/** What runs each command; it resolves with the exit code. */
type Run = (args: readonly string[], supervision?: Supervision) => Promise<number> | number;

const RUN: Readonly<Record<string, Run>> = {
  [REPLAY.name]: replayCommand,
  [CHECK.name]: check,
  [BENCH.name]: benchCommand,
  [SAVE.name]: saveCommand,
  [SNAPSHOT.name]: snapshotCommand,
  [COMPLETION.name]: completionCommand,
};

/** The command that reads and writes pipes, and the one that always runs in a thread. */
const PIPED = REPLAY.name;
const SUPERVISED = BENCH.name;

function commandNamed(name: string): CommandSpec {
  const found = COMMANDS.find((spec) => spec.name === name);
  if (found) return found;
  const names = COMMANDS.map((spec) => spec.name);
  throw new UsageError(withNearest(`unknown command: ${name}`, name, names));
}

async function run([first, ...rest]: readonly string[], supervision?: Supervision): Promise<number> {
  const isHelp = (arg: string | undefined) => arg === '--help' || arg === '-h';
  if (first === '--version' || first === '-v') {
    STDOUT.write(`${version()}\n`);
    return ExitCode.DONE;
  }
  if (isHelp(first) || (first === 'help' && !rest.length)) {
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
  if (first === 'help' || rest.some(isHelp)) {
    const spec = commandNamed(first === 'help' ? rest[0] : first);
    STDOUT.write(`${helpOf(spec, styleOf(STDOUT, colorIn(rest)), widthOf(STDOUT))}\n`);
    return ExitCode.DONE;
  }
  return RUN[commandNamed(first).name](rest, supervision);
}

/** The command line that explains the options in question. */
function helpCommand(): string {
  const command = COMMANDS.find(({ name }) => name === process.argv[2]);
  return command === undefined ? 'nfreplay --help' : `nfreplay ${command.name} --help`;
}

/** The message to show for ERROR, and its exit code. */
function reportOf(error: unknown): { message: string; exitCode: number } {
  if (error instanceof UsageError || error instanceof ReplayOptionsError) {
    return { message: `${error.message}\n(see ${helpCommand()})`, exitCode: ExitCode.USAGE };
  }
  if (error instanceof FilterError) {
    return { message: error.message, exitCode: error.isUnsupported ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof AddressSpaceError) return { message: error.message, exitCode: INTERNAL_ERROR };
  if (error instanceof TooManyConnectionsError || error instanceof NotFollowedError)
    return { message: error.message, exitCode: ExitCode.UNSUPPORTED };
  if (error instanceof CaptureError || error instanceof FileError)
    return { message: error.message, exitCode: ExitCode.FILE };
  if (error instanceof RulesetError) {
    if (error.code !== 'unsupported') return { message: error.message, exitCode: ExitCode.USAGE };
    const laxHint = process.argv[2] === SAVE.name ? LAX_SAVE_HINT : LAX_HINT;
    const hint = error.unsupported.length > 0 ? `\n${laxHint}` : '';
    return { message: `${error.message}${hint}`, exitCode: ExitCode.UNSUPPORTED };
  }
  if (error instanceof HostError || error instanceof ConntrackListError) {
    return { message: error.message, exitCode: error.isUnsupported ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd') {
    return { message: 'the current folder no longer exists; change to another one', exitCode: ExitCode.FILE };
  }
  if (error instanceof Error && 'syscall' in error && errorCode(error) !== '') {
    const about = 'path' in error && typeof error.path === 'string' ? error.path : String(error.syscall);
    return { message: `${shown(about)}: ${systemMessage(error)}`, exitCode: ExitCode.FILE };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const more = process.env.NFREPLAY_DEBUG ? `\n${stack}` : '\n(set NFREPLAY_DEBUG=1 for a stack trace)';
  return {
    message: `this is a bug in nfreplay, please report it: ${message}${more}`,
    exitCode: INTERNAL_ERROR,
  };
}

/** Shows ERROR; returns the exit code. */
function report(error: unknown): number {
  // With `--out -`: whoever reads the packets wants no more.
  if (error instanceof ClosedPipeError) return ExitCode.DONE;
  if (error instanceof InterruptedError) return exitCodeOf('SIGINT');
  const { message, exitCode } = reportOf(error);
  try {
    STDERR.write(`nfreplay: ${shownLines(message)}\n`);
  } catch {
    // There is nowhere left to say it; the exit code does.
  }
  return exitCode;
}

/** Runs the command on the main thread, or where that might be busy for too long, in a thread. */
async function runAnywhere(argv: readonly string[]): Promise<number> {
  const isHelp = argv.some((word) => word === '--help' || word === '-h');
  if (!isHelp && (argv[0] === SUPERVISED || (argv[0] === PIPED && namesPipe(argv))))
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
  return running.catch(report);
}

const isThread = await runThread(import.meta.url, (argv, supervision) => reported(run(argv, supervision)));
if (!isThread) {
  process.on('exit', closeDeadTerminals);
  process.exitCode = await reported(runAnywhere(process.argv.slice(2)));
  // Everything is done and said: a signal must not change the exit code any more.
  onSignals(() => {});
}

/** Turns any error into one message and an exit code. */
import { CaptureError } from '../codecs/capture-error.js';
import { ConntrackListError } from '../codecs/conntrack-list-error.js';
import { EvidenceError } from '../codecs/evidence/evidence.js';
import { ExpectationError } from '../codecs/expectation/expectation-error.js';
import { FilterError } from '../codecs/filter/filter-error.js';
import { HostError } from '../codecs/host/error.js';
import { SentenceError } from '../codecs/sentence/sentence-error.js';
import { shown, shownLines } from '../codecs/text.js';
import { TooManyConnectionsError } from '../core/conntrack/table.js';
import { IpsetError } from '../core/ipset/ipset-error.js';
import { AddressSpaceError } from '../core/memory.js';
import { RulesetError } from '../core/rules/parse/error.js';
import { ComposeError } from '../docker/compose/compose-error.js';
import { ClosedPipeError, errorCode, FileError, InterruptedError, systemMessage } from '../io/file-error.js';
import { CommandError, NotFollowedError, ReplayOptionsError } from '../replay/errors.js';
import { COMMANDS } from './commands/index.js';
import { SAVE } from './commands/save.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { STDERR } from './output.js';
import { exitCodeOf } from './signals.js';

/** EX_SOFTWARE in sysexits.h: an internal error. */
const INTERNAL_ERROR = 70;

const LAX_HINT =
  '(--lax goes on without these rules: they never match, and packets that they might match are uncertain)';
const LAX_SAVE_HINT = '(--lax prints these rules as they are written)';

/** The command line that explains the options in question. */
function helpCommand(): string {
  const command = COMMANDS.find(({ name }) => name === process.argv[2]);
  return command === undefined ? 'nfreplay --help' : `nfreplay ${command.name} --help`;
}

/** The message to show for ERROR, and its exit code. */
export function reportOf(error: unknown): { message: string; exitCode: number } {
  if (error instanceof UsageError || error instanceof ReplayOptionsError) {
    return { message: `${error.message}\n(see ${helpCommand()})`, exitCode: ExitCode.USAGE };
  }
  if (error instanceof FilterError || error instanceof SentenceError || error instanceof EvidenceError) {
    return { message: error.message, exitCode: error.isUnsupported ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  if (error instanceof CommandError) {
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
    const hint = error.unsupported.length > 0 && error.laxHelps ? `\n${laxHint}` : '';
    return { message: `${error.message}${hint}`, exitCode: ExitCode.UNSUPPORTED };
  }
  if (error instanceof IpsetError) return { message: error.message, exitCode: ExitCode.USAGE };
  if (isFileError(error)) {
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

const isFileError = (error: unknown): error is HostError | ConntrackListError | ExpectationError | ComposeError =>
  error instanceof HostError ||
  error instanceof ConntrackListError ||
  error instanceof ExpectationError ||
  error instanceof ComposeError;

/** Shows ERROR; returns the exit code. */
export function reportError(error: unknown): number {
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

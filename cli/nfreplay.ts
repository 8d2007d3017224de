#!/usr/bin/env node
// nfreplay: runs the command and turns any error into one message and an exit code. Its imports are static: `import()`
// makes the bundler wrap each module in a function, which V8 then parses twice.
import { CaptureError } from '../codecs/capture-error.js';
import { HostError } from '../codecs/host-json.js';
import { withNearest } from '../codecs/nearest.js';
import { shownLines } from '../codecs/text.js';
import { AddressSpaceError } from '../core/memory.js';
import { RulesetError } from '../core/rules/parse/error.js';
import { FileError } from '../io/file-error.js';
import { ReplayOptionsError } from '../replay/errors.js';
import { version } from '../replay/version.js';
import { type CommandSpec, examplesOf, helpOf } from './args.js';
import { benchCommand } from './bench-command.js';
import { check } from './check.js';
import { BENCH, CHECK, REPLAY } from './commands.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { replayCommand } from './replay-command.js';
import { type Style, styleOf } from './style.js';

/** EX_SOFTWARE in sysexits.h: an internal error. */
const INTERNAL_ERROR = 70;

interface Command {
  spec: CommandSpec;
  /** Runs the command and returns its exit code. */
  run(args: readonly string[]): number | Promise<number>;
}

const COMMANDS: readonly Command[] = [
  { spec: REPLAY, run: replayCommand },
  { spec: CHECK, run: check },
  { spec: BENCH, run: benchCommand },
];

function overview(style: Style): string {
  const width = Math.max(...COMMANDS.map(({ spec }) => spec.name.length));
  return [
    'nfreplay: replay captures through Linux netfilter, offline, packet for packet',
    '',
    'usage: nfreplay COMMAND [options]',
    '',
    ...COMMANDS.map(({ spec }) => `  ${style.bold(spec.name.padEnd(width))}  ${spec.summary}`),
    '',
    '  nfreplay COMMAND --help   show all options of a command',
    '  nfreplay --version        show the version',
    '',
    ...examplesOf(
      COMMANDS.map(({ spec }) => spec.examples[0]),
      style,
    ),
    'exit codes: 0 done; 1 a comparison found a difference; 2 incorrect usage, or an invalid ruleset or',
    '            host; 3 the ruleset or the host uses an unsupported feature; 4 a file cannot be read or',
    '            written',
    '',
  ].join('\n');
}

function commandNamed(name: string): Command {
  const found = COMMANDS.find(({ spec }) => spec.name === name);
  if (found) return found;
  const names = COMMANDS.map(({ spec }) => spec.name);
  throw new UsageError(withNearest(`unknown command: ${name}`, name, names));
}

async function run([first, ...rest]: string[]): Promise<number> {
  const style = styleOf(process.stdout);
  const isHelp = (arg: string | undefined) => arg === '--help' || arg === '-h';
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version()}\n`);
    return ExitCode.DONE;
  }
  if (isHelp(first) || (first === 'help' && !rest.length)) {
    process.stdout.write(overview(style));
    return ExitCode.DONE;
  }
  if (first === undefined) {
    process.stderr.write(overview(styleOf(process.stderr)));
    return ExitCode.USAGE;
  }
  if (first.startsWith('-')) throw new UsageError(`expected a command before ${first}`);
  if (first === 'help' || rest.some(isHelp)) {
    process.stdout.write(`${helpOf(commandNamed(first === 'help' ? rest[0] : first).spec, style)}\n`);
    return ExitCode.DONE;
  }
  return commandNamed(first).run(rest);
}

/** The command line that explains the options in question. */
function helpCommand(): string {
  const command = COMMANDS.find(({ spec }) => spec.name === process.argv[2]);
  return command === undefined ? 'nfreplay --help' : `nfreplay ${command.spec.name} --help`;
}

/** The message to show for ERROR, and its exit code. */
function reportOf(error: unknown): { message: string; exitCode: number } {
  if (error instanceof UsageError || error instanceof ReplayOptionsError) {
    return { message: `${error.message}\n(see ${helpCommand()})`, exitCode: ExitCode.USAGE };
  }
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof AddressSpaceError) return { message: error.message, exitCode: INTERNAL_ERROR };
  if (error instanceof CaptureError || error instanceof FileError)
    return { message: error.message, exitCode: ExitCode.FILE };
  if (error instanceof RulesetError) {
    return { message: error.message, exitCode: error.code === 'unsupported' ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  if (error instanceof HostError) {
    return { message: error.message, exitCode: error.isUnsupported ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const more = process.env.NFREPLAY_DEBUG ? `\n${stack}` : '\n(set NFREPLAY_DEBUG=1 for a stack trace)';
  return {
    message: `this is a bug in nfreplay, please report it: ${message}${more}`,
    exitCode: INTERNAL_ERROR,
  };
}

// The reader of our output may stop early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.DONE);
  throw error;
});

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const { message, exitCode } = reportOf(error);
  process.stderr.write(`nfreplay: ${shownLines(message)}\n`);
  process.exitCode = exitCode;
}

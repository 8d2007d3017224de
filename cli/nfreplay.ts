#!/usr/bin/env node
// nfreplay: finds the command, and turns whatever goes wrong into one message and an exit code.
import { CaptureError } from '../codecs/capture-error.js';
import { HostError } from '../codecs/host-json.js';
import { AddressSpaceError } from '../core/memory.js';
import { nearest, RulesetError } from '../core/rules/parse/error.js';
import { FileError } from '../io/file-error.js';
import { ReplayOptionsError } from '../replay/errors.js';
import { version } from '../replay/version.js';
import { type CommandSpec, examplesOf, helpOf, withHint } from './args.js';
import { BENCH, CHECK, REPLAY } from './commands.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { printable } from './printable.js';
import { type Style, styleOf } from './style.js';

/** EX_SOFTWARE of sysexits.h: nothing that the user did. */
const INTERNAL_FAULT = 70;

interface Command {
  spec: CommandSpec;
  /** Loads and runs it; resolves with the exit code. */
  run(args: string[]): Promise<number>;
}

const COMMANDS: readonly Command[] = [
  { spec: REPLAY, run: async (args) => (await import('./replay-command.js')).replayCommand(args) },
  { spec: CHECK, run: async (args) => (await import('./check.js')).check(args) },
  { spec: BENCH, run: async (args) => (await import('./bench-command.js')).benchCommand(args) },
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
    '  nfreplay COMMAND --help   everything about a command',
    '  nfreplay --version        the version',
    '',
    ...examplesOf(
      COMMANDS.map(({ spec }) => spec.examples[0]),
      style,
    ),
    'exit codes: 0 done; 1 a comparison found a difference; 2 wrong usage, or a faulty ruleset or host;',
    '            3 the ruleset asks for what is not supported; 4 a file cannot be read or written',
    '',
  ].join('\n');
}

function commandNamed(name: string): Command {
  const found = COMMANDS.find(({ spec }) => spec.name === name);
  if (found) return found;
  const hint = nearest(
    name,
    COMMANDS.map(({ spec }) => spec.name),
  );
  throw new UsageError(withHint(`there is no command ${name}`, hint));
}

async function run([first, ...rest]: string[]): Promise<number> {
  const style = styleOf(process.stdout);
  const wantsHelp = (arg: string | undefined) => arg === '--help' || arg === '-h';
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version()}\n`);
    return ExitCode.DONE;
  }
  if (wantsHelp(first) || (first === 'help' && !rest.length)) {
    process.stdout.write(overview(style));
    return ExitCode.DONE;
  }
  if (first === undefined) {
    process.stderr.write(overview(styleOf(process.stderr)));
    return ExitCode.USAGE;
  }
  if (first.startsWith('-')) throw new UsageError(`a command is wanted before ${first}`);
  if (first === 'help' || rest.some(wantsHelp)) {
    process.stdout.write(`${helpOf(commandNamed(first === 'help' ? rest[0] : first).spec, style)}\n`);
    return ExitCode.DONE;
  }
  return commandNamed(first).run(rest);
}

/** What is shown of an error, and the exit code for it. */
function explain(error: unknown): { message: string; exitCode: number } {
  if (error instanceof UsageError || error instanceof ReplayOptionsError) {
    return { message: `${error.message}\n(nfreplay --help shows how it is called)`, exitCode: ExitCode.USAGE };
  }
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof AddressSpaceError) return { message: error.message, exitCode: INTERNAL_FAULT };
  if (error instanceof CaptureError || error instanceof FileError)
    return { message: error.message, exitCode: ExitCode.FILE };
  if (error instanceof RulesetError) {
    return { message: error.message, exitCode: error.code === 'unsupported' ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  if (error instanceof HostError) {
    return { message: error.message, exitCode: error.isUnsupported ? ExitCode.UNSUPPORTED : ExitCode.USAGE };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const more = process.env.NFREPLAY_DEBUG ? `\n${stack}` : '\n(NFREPLAY_DEBUG=1 shows where)';
  return {
    message: `this is a fault of nfreplay itself, please report it: ${message}${more}`,
    exitCode: INTERNAL_FAULT,
  };
}

// Whoever reads our output may stop early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.DONE);
  throw error;
});

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const { message, exitCode } = explain(error);
  process.stderr.write(`nfreplay: ${message.split('\n').map(printable).join('\n')}\n`);
  process.exitCode = exitCode;
}

#!/usr/bin/env node
// nfreplay: finds the command, and turns whatever goes wrong into one message and an exit code.
import { readFileSync } from 'node:fs';
import { nearest } from '../core/rules/error.js';
import { type CommandSpec, examplesOf, helpOf, withHint } from './args.js';
import { CHECK, REPLAY } from './commands.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { type Style, styleOf } from './style.js';

interface Command {
  spec: CommandSpec;
  /** Loads and runs it; resolves with the exit code. */
  run(args: string[]): Promise<ExitCode>;
}

const COMMANDS: readonly Command[] = [
  { spec: REPLAY, run: async (args) => (await import('./replay.js')).replayCommand(args) },
  { spec: CHECK, run: async (args) => (await import('./check.js')).check(args) },
];

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

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

async function run([first, ...rest]: string[]): Promise<ExitCode> {
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
function explain(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof UsageError) {
    return { message: `${error.message}\n(nfreplay --help shows how it is called)`, exitCode: error.exitCode };
  }
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  throw error;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const { message, exitCode } = explain(error);
  process.stderr.write(`nfreplay: ${message}\n`);
  process.exitCode = exitCode;
}

/** Commands for a Docker host as nfreplay is given them: an option, or a file; all faults are told at once. */
import type { Word } from '../../codecs/iptables-save.js';
import { shown, shownPath } from '../../codecs/text.js';
import type { Command } from '../../docker/commands/action.js';
import type { ComposeRequest, ParseContext } from '../../docker/commands/context.js';
import type { CommandFault } from '../../docker/commands/fault.js';
import { parseScript } from '../../docker/commands/script.js';
import type { Release } from '../../docker/releases.js';
import { readText } from '../../io/text-file.js';
import { CommandError } from '../errors.js';
import { loadComposeProject } from './compose-files.js';

/** A command, and where it is: `setup.sh:3`, `--run 2`. */
export interface TypedCommand {
  readonly command: Command;
  readonly place: string;
}

/** What commands need that name files: those of the current folder. */
export function fileContext(release: Release): ParseContext {
  return {
    release,
    pathOf: ({ text }) => text,
    readText: ({ text }) => readText(text),
    composeProject: (request: ComposeRequest) => loadComposeProject(request, release),
  };
}

/**
 * The commands of TEXT, the content of FILE.
 * @throws {CommandError} about every line that is wrong
 */
export function commandsOfScript(text: string, file: string, context: ParseContext): TypedCommand[] {
  const { commands, faults } = parseScript(text, file, context);
  const placeOf = (path: string, { line, column }: Word): string => `${shownPath(path)}:${line}:${column}`;
  refuse(faults, ({ word, file: other = file }) => placeOf(other, word));
  return commands.map((command) => ({ command, place: `${shownPath(file)}:${command.words[0].line}` }));
}

/**
 * The commands of LINE, the NUMBERth value of OPTION.
 * @throws {CommandError}
 */
export function commandsOfOption(line: string, option: string, number: number, context: ParseContext): TypedCommand[] {
  const place = number === 0 ? option : `${option} ${number}`;
  const { commands, faults } = parseScript(line, place, context);
  refuse(faults, ({ word, file }) =>
    file === undefined ? `${place}: ${wordOf(line, word)}` : `${shownPath(file)}:${word.line}:${word.column}`,
  );
  if (commands.length === 0) throw new CommandError(`${place}: there is no command`);
  return commands.map((command) => ({ command, place }));
}

/** Which word of LINE is meant: the part of it where it starts. */
function wordOf(line: string, { column, line: number }: Word): string {
  const text = line.split('\n')[number - 1] ?? '';
  const words = text.slice(0, column).match(/\S+/g) ?? [];
  return `word ${Math.max(1, words.length)}`;
}

function refuse(faults: readonly CommandFault[], placeOf: (fault: CommandFault) => string): void {
  if (faults.length === 0) return;
  const lines = faults.map((fault) => `${placeOf(fault)}: ${shown(fault.message)}`);
  throw new CommandError(
    lines.join('\n'),
    faults.every(({ isUnsupported }) => isUnsupported),
  );
}

/** Commands of iptables, ipset and sysctl as typed on the host: what is read before any is carried out. */
import { existsSync } from 'node:fs';
import type { Word } from '../../codecs/iptables-save.js';
import { isOperator, ShellFault, splitCommands } from '../../codecs/shell-words.js';
import { shown, shownPath } from '../../codecs/text.js';
import type { Backend } from '../../core/rules/model.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { CommandError } from '../errors.js';

/** Where commands are from: a file, or an argument of the command line, in which errors count words. */
export interface CommandSource {
  /** What rules that they make are from. */
  readonly file: string;
  /** Which argument: `--apply 2`, `--at 10s`; undefined for a file. */
  readonly argument: string | undefined;
  /** As in SettingOptions: where the files are that commands name. */
  readonly within?: string | undefined;
}

/** `host`: a program that changes more than rules and sets, such as docker and systemctl. */
export type CommandTool = 'iptables' | 'iptables-restore' | 'iptables-save' | 'ip6tables' | 'ipset' | 'sysctl' | 'host';

export interface HostCommand {
  readonly tool: CommandTool;
  readonly backend: Backend | undefined;
  /** With the tool's name, and `sudo` before it. */
  readonly all: readonly Word[];
  /** Behind the tool's name. */
  readonly words: readonly Word[];
  readonly source: CommandSource;
}

const TOOL = /^(?:(iptables|ip6tables)(-legacy|-nft)?(-restore|-save)?|(ipset|sysctl))$/;
const HOST_TOOL = /^(?:docker|docker-compose|dockerd|systemctl|service|firewall-cmd|ufw)$/;
/** What a file for iptables-restore, or for `ipset restore`, starts with. */
const RULES = /^\*\w+\s*$/;
const SETS = /^(?:create|add)\s/;

/** Whether GIVEN starts as a command does. */
export function startsAsCommand(given: string): boolean {
  const first = /^\s*(?:sudo\s+)?(\S+)(?:\s|$)/.exec(given)?.[1] ?? '';
  const name = first.replace(/^.*\//, '');
  return TOOL.test(name) || HOST_TOOL.test(name);
}

/** Whether GIVEN is a command, not the name of a file. */
export function isCommand(given: string): boolean {
  return startsAsCommand(given) && !existsSync(nativePath(given));
}

/** The files that the values of `--apply` name. */
export function filesOfCommands(values: readonly string[]): string[] {
  return values.filter((value) => !isCommand(value));
}

/**
 * The commands of an `--apply`: of GIVEN itself, the ARGUMENTth, or of the file that it names.
 * @throws {CommandError} {FileError} {InterruptedError}
 */
export function readCommands(
  given: string,
  argument: number,
  options: { hasEnded?: () => boolean; within?: string },
): HostCommand[] {
  const { within } = options;
  if (isCommand(given))
    return typedCommands(given, { file: '--apply', argument: `--apply ${argument}`, within }, argument);
  return commandsOf(readText(given, options), given, within);
}

/**
 * The command GIVEN as the value of an option; rules that it makes are of this LINE.
 * @throws {CommandError}
 */
export function typedCommands(given: string, source: CommandSource, line: number): HostCommand[] {
  const commands = parseCommands(given, source, line);
  const second = commands[1]?.all[0];
  if (second === undefined) return commands;
  const option = source.file.split(' ', 1)[0];
  throw commandError(source, [second], second, 'another command', `an ${option} of its own`);
}

/**
 * The commands of TEXT, the content of FILE; files that they name are WITHIN a folder, as in SettingOptions.
 * @throws {CommandError}
 */
export function commandsOf(text: string, file: string, within?: string): HostCommand[] {
  const source = { file, argument: undefined, within };
  const content = text.replace(/^\ufeff/, '');
  refuseOtherFiles(content, source);
  return parseCommands(content, source, 1);
}

/** TEXT, whose first line has this number, as commands. */
function parseCommands(text: string, source: CommandSource, line: number): HostCommand[] {
  try {
    return splitCommands(text, line, { mayRedirect: true }).map((words) => parseCommand(words, source));
  } catch (fault) {
    if (!(fault instanceof ShellFault)) throw fault;
    throw new CommandError(`${placeOf(source, wordsBefore(text, fault.word, line), fault.word)}: ${fault.message}`);
  }
}

/** The words of TEXT, which cannot be split as a whole, up to the one that has END in it. */
function wordsBefore(text: string, end: Word, line: number): Word[] {
  const lines = text.split('\n');
  const before = [...lines.slice(0, end.line - line), lines[end.line - line].slice(0, end.column - 1)].join('\n');
  try {
    const words = splitCommands(before, line).flat();
    return /\s$/.test(before) ? [...words, end] : [...words.slice(0, -1), end];
  } catch {
    return [];
  }
}

function parseCommand(all: readonly Word[], source: CommandSource): HostCommand {
  const [name, ...words] = all[0].text === 'sudo' ? all.slice(1) : all;
  const word = name ?? all[0];
  const found = TOOL.exec(word.text.replace(/^.*\//, ''));
  const redirection = words.find(isOperator);
  if (redirection !== undefined && found?.[3] !== '-save')
    throw commandError(source, all, redirection, '">" redirects output', 'the words of the command only');
  if (HOST_TOOL.test(name?.text.replace(/^.*\//, '') ?? ''))
    return { tool: 'host', backend: undefined, all, words, source };
  if (found === null) {
    const what = `"${word.text}" is not a command of iptables, ipset, sysctl, docker or systemctl`;
    throw commandError(source, all, word, what, 'iptables …, ipset …, sysctl -w …, docker …, systemctl restart …');
  }
  const [, family, variant, action = '', other] = found;
  if (action === '-save' && redirection === undefined) {
    const expected = 'without it; the results have the rules that are left';
    throw commandError(source, all, word, 'saving changes no rules', expected);
  }
  const tool = other ?? (family === 'ip6tables' ? family : `iptables${action}`);
  const backend = variant === undefined ? undefined : (variant.slice(1) as Backend);
  return { tool: tool as CommandTool, backend, all, words, source };
}

function refuseOtherFiles(text: string, source: CommandSource): void {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const first = lines[at] ?? '';
  const word: Word = { text: first, line: at + 1, column: 1 };
  if (RULES.test(first)) {
    throw commandError(source, [], word, 'rules as iptables-save prints them, not commands', 'them as --rules');
  }
  if (SETS.test(first)) {
    throw commandError(source, [], word, 'sets as `ipset save` prints them', 'commands, each with ipset before it');
  }
}

/** The error that WHAT is wrong with WORD of a command. */
export function commandError(
  source: CommandSource,
  words: readonly Word[],
  word: Word,
  what: string,
  expected: string,
): CommandError {
  return new CommandError(`${placeOf(source, words, word)}: ${shown(what)}; expected: ${shown(expected)}`);
}

/** Where WORD, one of WORDS, stands: `--apply 2: word 5`, `--at 10s: word 5`, or `FILE:LINE:COLUMN`. */
export function placeOf({ file, argument }: CommandSource, words: readonly Word[], word: Word): string {
  if (argument === undefined) return `${shownPath(file)}:${word.line}:${word.column}`;
  // A part of a word has a column within it.
  const index = words.findLastIndex(({ line, column }) => line === word.line && column <= word.column);
  return `${shown(argument)}${index < 0 ? '' : `: word ${index + 1}`}`;
}

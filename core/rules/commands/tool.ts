/** The iptables whose commands are carried out, and its messages and exit codes (1.8.9). */
import type { Family } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import type { Backend } from '../model.js';
import { ONLY_USAGE } from '../parse/command.js';
import { RuleFault } from '../parse/error.js';

export interface Tool {
  readonly name: 'iptables' | 'ip6tables';
  readonly backend: Backend;
}

export function familyOf({ name }: Tool): Family {
  return name === 'iptables' ? 'ipv4' : 'ipv6';
}

/** enum xtables_exittype, and 1 for what the kernel or the list of rules refuses. */
export const ToolExit = { DONE: 0, FAILED: 1, USAGE: 2, VERSION: 3, RESOURCE: 4 } as const;
export type ToolExit = (typeof ToolExit)[keyof typeof ToolExit];

/** A command that iptables refuses: its exit code, and what it writes to standard error. */
export class CommandFault extends RuleFault {
  readonly exitCode: ToolExit;
  readonly stderr: string;

  constructor(fault: Pick<RuleFault, 'word' | 'expected' | 'code'> & { what: string }, exit: ToolExit, stderr: string) {
    super(fault.word, fault.what, fault.expected, fault.code);
    this.exitCode = exit;
    this.stderr = stderr;
  }
}

/** What is wrong with WORD, for people: WHAT, and what could have been there instead. */
export interface Problem {
  readonly word: Word;
  readonly what: string;
  readonly expected?: string;
}

/** The names of errors that iptables and the kernel return, with the words that strerror and iptables have for them. */
const ERRORS = {
  EINVAL: "Invalid argument. Run `dmesg' for more information",
  ELOOP: 'Too many levels of symbolic links',
  EMLINK: 'Too many links',
  ERANGE: 'Numerical result out of range',
  ENOTEMPTY: 'Directory not empty',
  EEXIST: 'File exists',
  ENOENT: 'No chain/target/match by that name',
} as const;

/** A command that ends with a message after the tool's name: of an error, or TEXT. */
export function failed({ name }: Tool, problem: Problem, text: keyof typeof ERRORS | (string & {})): CommandFault {
  const message = Object.hasOwn(ERRORS, text) ? ERRORS[text as keyof typeof ERRORS] : text;
  return commandFault(problem, ToolExit.FAILED, `${name}: ${message}.\n`);
}

/** A command that ends as one with a mistake in its words does (xtables_error). */
export function misused(tool: Tool, problem: Problem, text: string, exit: ToolExit = ToolExit.USAGE): CommandFault {
  return commandFault(problem, exit, errorText(tool, text, exit));
}

function commandFault({ word, what, expected = '' }: Problem, exit: ToolExit, stderr: string): CommandFault {
  return new CommandFault({ word, what, expected, code: 'invalid' }, exit, stderr);
}

const BACKEND_NAMES: Readonly<Record<Backend, string>> = { legacy: 'legacy', nft: 'nf_tables' };

export function versionOf({ name, backend }: Tool): string {
  return `${name} v1.8.9 (${BACKEND_NAMES[backend]})`;
}

function errorText(tool: Tool, text: string, exit: ToolExit): string {
  const message = `${versionOf(tool)}: ${text}\n`;
  if (exit === ToolExit.USAGE) return message + usageOf(tool);
  return exit === ToolExit.VERSION ? `${message}Perhaps ${tool.name} or your kernel needs to be upgraded.\n` : message;
}

function usageOf({ name }: Tool): string {
  return `Try \`${name} -h' or '${name} --help' for more information.\n`;
}

const BAD_ARGUMENT = /^Bad argument/;

/** What TOOL writes to standard error about a FAULT of its words; undefined: not known. */
export function stderrOf(tool: Tool, { tool: text }: RuleFault): string | undefined {
  if (text === '') return undefined;
  if (text === ONLY_USAGE) return usageOf(tool);
  return BAD_ARGUMENT.test(text) ? `${text}\n${usageOf(tool)}` : errorText(tool, text, ToolExit.USAGE);
}

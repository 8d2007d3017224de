/**
 * Reads a shell script of `iptables` commands: they are carried out on a host without rules. What a shell would do
 * besides (variables, loops, conditions, redirections) is refused, all of it at once.
 */
import type { Word } from '../../../codecs/iptables-save.js';
import { ShellFault, splitCommands } from '../../../codecs/shell-words.js';
import { applyIptables, type RulesetState } from '../commands/apply-iptables.js';
import type { Backend, Ruleset, RulesetWarning } from '../model.js';
import { checkedRuleset } from '../parse/checked-ruleset.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import type { ParseOptions } from '../parse/ruleset-reader.js';
import { unparsedPart } from '../parse/table-draft.js';
import { type UnsupportedPart, unsupportedUses } from '../unsupported.js';
import { iptablesName, typedWords, withoutSudo } from './command-words.js';
import { withoutSuffixes } from './shell-suffixes.js';
import { unwrapped } from './wrapping.js';

const SHELL = /^#!.*\b(?:ba|da|k|z|a)?sh\b/;
/** Commands that change no rules. */
const IDLE = /^(?:set|echo|printf|true|:|sleep|exit|(?:\S*\/)?modprobe)$/;
/** Where commands are looked for. */
const SEARCH_PATH = /^PATH=/;
const REMEDY = 'run the script on the host, and give what iptables-save prints there';

/** Whether TEXT is a script: it says so, or starts with a command. */
export function isScript(text: string): boolean {
  if (SHELL.test(text)) return true;
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  if (first === undefined) return false;
  const [name, option] = typedWords(first);
  return option?.startsWith('-') === true && iptablesName(name)?.isSave === false;
}

/**
 * The iptables that the script TEXT calls by name, as in iptables-nft; undefined if it calls none so, or if TEXT is no
 * script.
 */
export function scriptBackend(text: string): Backend | undefined {
  const plain = unwrapped(text).text;
  if (!isScript(plain)) return undefined;
  return commandsIn(plain)
    .commands.map(backendOf)
    .find((backend) => backend !== undefined);
}

/**
 * The rules that the script TEXT, the content of FILE, makes on a host without rules. Commands that fail are warnings,
 * as the shell goes on.
 * @throws {RulesetError} with all that is not an iptables command
 */
export function readScript(text: string, file: string, options: ParseOptions): Ruleset {
  const { commands, refused } = commandsIn(text);
  const backend = options.backend ?? commands.map(backendOf).find((found) => found !== undefined) ?? 'legacy';
  refused.push(...commands.flatMap((command) => otherBackend(command, backend) ?? []));
  if (refused.length > 0) {
    const uses = unsupportedUses(refused.sort((a, b) => a.word.line - b.word.line));
    const [{ word, message }] = uses;
    throw new RulesetError(file, new RuleFault(word, message, '', 'unsupported'), uses, false);
  }
  const run = new ScriptRun(file, { ...options, backend }, isStrictShell(text));
  for (const command of commands) if (!run.command(command)) break;
  const ruleset = run.finish();
  const assumed = [...(ruleset.assumed ?? []), ...assumedBackend(commands)];
  return { ...ruleset, assumed };
}

/** A command, without what is before its name. */
interface Command {
  readonly words: readonly Word[];
  /** The shell goes on if it fails: `|| true`. */
  readonly mayFail: boolean;
}

/** The commands of TEXT, and all that is none. */
function commandsIn(text: string): { commands: Command[]; refused: UnsupportedPart[] } {
  const commands: Command[] = [];
  const refused: UnsupportedPart[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; ) {
    const first = i;
    while (i < lines.length - 1 && /(?:^|[^\\])(?:\\\\)*\\$/.test(lines[i])) i++;
    i++;
    try {
      for (const command of splitLine(lines.slice(first, i).join('\n'), first + 1)) {
        const fault = refusalOf(command.words);
        if (fault !== undefined) refused.push(fault);
        else if (command.words.length > 0) commands.push(command);
      }
    } catch (fault) {
      if (!(fault instanceof ShellFault)) throw fault;
      refused.push(refusal(fault.word, fault.message.replace(/; expected: .*/s, '')));
    }
  }
  return { commands, refused };
}

/** The commands of TEXT, a line with those that continue it. Throws a ShellFault. */
function splitLine(text: string, line: number): Command[] {
  const { command, mayFail } = withoutSuffixes(text);
  const isPlain = command.length === text.length || isOnlyWords(text, line);
  // What looks like a suffix is none in a comment.
  const all = splitCommands(isPlain ? text : command, line).map(commandWords);
  return all.map((words, i) => ({ words, mayFail: mayFail && !isPlain && i === all.length - 1 }));
}

function isOnlyWords(text: string, line: number): boolean {
  try {
    splitCommands(text, line);
    return true;
  } catch (fault) {
    if (fault instanceof ShellFault) return false;
    throw fault;
  }
}

/** WORDS from the name of the command on: none if they only say where commands are. */
function commandWords(words: readonly Word[]): readonly Word[] {
  const plain = SEARCH_PATH.test(words[0].text) ? words.slice(1) : words;
  const rest = withoutSudo(plain, ({ text }) => text);
  return rest.length === 0 ? plain : rest;
}

function refusalOf([word]: readonly Word[]): UnsupportedPart | undefined {
  if (word === undefined || iptablesName(word.text)?.isSave === false || IDLE.test(word.text)) return undefined;
  return refusal(word, `"${word.text}" is not an iptables command`);
}

function refusal(word: Word, what: string): UnsupportedPart {
  return { part: 'rule', name: word.text, message: `${what}; ${REMEDY}`, word };
}

/** The backend that the name of a command says. Rules for IPv6 are not run. */
function backendOf({ words }: Command): Backend | undefined {
  const name = iptablesName(words[0].text);
  return name?.family === 'ipv4' ? name.backend : undefined;
}

/** What is assumed if some of COMMANDS say their backend and others do not: it is that of all. */
function assumedBackend(commands: readonly Command[]): NonNullable<Ruleset['assumed']> {
  const named = commands.find((command) => backendOf(command) !== undefined);
  const plain = commands.find(({ words }) => isPlainIptables(words[0].text));
  if (named === undefined || plain === undefined) return [];
  const [{ line, column }] = plain.words;
  return [{ line, column, message: `iptables is iptables-${backendOf(named)}, which the script calls besides` }];
}

function isPlainIptables(text: string): boolean {
  const name = iptablesName(text);
  return name?.family === 'ipv4' && name.backend === undefined;
}

/** The fault of a command for another backend than BACKEND: the kernel would follow the rules of both. */
function otherBackend(command: Command, backend: Backend): UnsupportedPart | undefined {
  const own = backendOf(command);
  if (own === undefined || own === backend) return undefined;
  const [word] = command.words;
  return refusal(word, `"${word.text}" changes other rules than those of iptables-${backend}, which are followed`);
}

/** Whether the first line of TEXT starts a shell with -e. */
function isStrictShell(text: string): boolean {
  const [first] = text.split('\n', 1);
  if (!SHELL.test(first)) return false;
  const words = first.match(/\S+/g) ?? [];
  return isStrictAfter(words.slice(words.findIndex((word) => /sh$/.test(word)) + 1), false);
}

/** Whether a command that fails ends the shell after `set` with ARGS, if it did before if IS_STRICT. */
function isStrictAfter(args: readonly string[], isStrict: boolean): boolean {
  let strict = isStrict;
  for (let i = 0; i < args.length && /^[-+][^-]/.test(args[i]); i++) {
    const [sign, ...letters] = args[i];
    for (const letter of letters) {
      if (letter === 'e' || (letter === 'o' && args[++i] === 'errexit')) strict = sign === '-';
    }
  }
  return strict;
}

/** A script while it runs. */
class ScriptRun {
  readonly #file: string;
  readonly #options: ParseOptions;
  readonly #warnings: RulesetWarning[] = [];
  readonly #unparsed: UnsupportedPart[] = [];
  #state: RulesetState;
  /** The shell ends at the first command that fails (`set -e`). */
  #isStrict: boolean;

  constructor(file: string, options: ParseOptions, isStrict: boolean) {
    this.#file = file;
    this.#options = options;
    this.#isStrict = isStrict;
    const ruleset = { fileName: file, family: 'ipv4', tables: [], warnings: [] } as const;
    this.#state = { ruleset, counters: new Map() };
  }

  /** Carries out a command; returns whether the script goes on. Throws a RulesetError if it ends by a fault. */
  command({ words, mayFail }: Command): boolean {
    const [name, ...args] = words;
    const family = iptablesName(name.text)?.family;
    if (family === 'ipv4') this.#iptables(args, mayFail);
    else if (family === 'ipv6') this.#warn(name, 'rules for IPv6 are not followed: ip6tables was not run');
    else if (name.text === 'set') {
      const given = args.map(({ text }) => text);
      this.#isStrict = isStrictAfter(given, this.#isStrict);
    }
    return name.text !== 'exit';
  }

  finish(): Ruleset {
    const { tables } = this.#state.ruleset;
    const read = { family: 'ipv4', warnings: this.#warnings, unparsed: this.#unparsed } as const;
    const assumed = [{ line: 1, column: 1, message: 'the host has no rules before this script runs' }];
    return { ...checkedRuleset(this.#file, tables, read, this.#options), assumed };
  }

  #iptables(words: readonly Word[], mayFail: boolean): void {
    const { names, backend = 'legacy' } = this.#options;
    const tool = { name: 'iptables', backend } as const;
    const applied = applyIptables(words, this.#state, { tool, file: this.#file, ...(names && { names }) });
    for (const { word, message } of applied.warnings) this.#warn(word, message);
    const { fault, stderr } = applied;
    this.#state = { ruleset: applied.ruleset, counters: applied.counters };
    if (fault === undefined) return;
    const said = stderr.split('\n').find((line) => line !== '' && !line.startsWith('Try `')) ?? fault.message;
    if (fault.code === 'unsupported') this.#unparsed.push(unparsedPart(fault));
    else if (this.#isStrict && !mayFail) throw new RulesetError(this.#file, fault);
    else this.#warn(fault.word, `this command fails, and the script goes on: ${said}`);
  }

  #warn({ line, column }: Word, message: string): void {
    this.#warnings.push({ line, column, message });
  }
}

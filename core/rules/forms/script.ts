/**
 * Reads a shell script of `iptables` commands: they are carried out on a host without rules. What a shell would do
 * besides (variables, loops, conditions, redirections) is refused, all of it at once.
 */
import type { Word } from '../../../codecs/iptables-save.js';
import { ShellFault, splitCommands } from '../../../codecs/shell-words.js';
import { applyIptables, type RulesetState } from '../commands/apply-iptables.js';
import type { Ruleset, RulesetWarning } from '../model.js';
import { checkedRuleset } from '../parse/checked-ruleset.js';
import { RuleFault, RulesetError } from '../parse/error.js';
import type { ParseOptions } from '../parse/ruleset-reader.js';
import { unparsedPart } from '../parse/table-draft.js';
import { type UnsupportedPart, unsupportedUses } from '../unsupported.js';

const SHELL = /^#!.*\b(?:ba|da|k|z|a)?sh\b/;
const COMMAND = /^\s*(?:sudo\s+)?(?:\S*\/)?ip6?tables(?:-legacy|-nft)?\s+-/;
const IPTABLES = /^(?:[^=\s]*\/)?(ip6?tables)(?:-legacy|-nft)?$/;
/** Commands that change no rules. */
const IDLE = /^(?:set|echo|printf|true|:|sleep|modprobe|(?:\S*\/)?modprobe|PATH=.*)$/;
/** What changes nothing about the rules either, behind a command. */
const QUIET = /(?:\s+(?:[12&]?>{1,2}\s*\/dev\/null|2>&1|\|\|\s*(?:true|:)))+\s*$/;
const REMEDY = 'run the script on the host, and give what iptables-save prints there';

/** Whether TEXT is a script: it says so, or starts with a command. */
export function isScript(text: string): boolean {
  if (SHELL.test(text)) return true;
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  return first !== undefined && COMMAND.test(first);
}

/**
 * The rules that the script TEXT, the content of FILE, makes on a host without rules. Commands that fail are warnings,
 * as the shell goes on.
 * @throws {RulesetError} with all that is not an iptables command
 */
export function readScript(text: string, file: string, options: ParseOptions): Ruleset {
  const { commands, refused } = commandsIn(text);
  if (refused.length > 0) {
    const uses = unsupportedUses(refused);
    const [{ word, message }] = uses;
    throw new RulesetError(file, new RuleFault(word, message, '', 'unsupported'), uses, false);
  }
  const run = new ScriptRun(file, options, /^#!.*\s-\w*e/.test(text));
  for (const words of commands) if (!run.command(words)) break;
  return run.finish();
}

/** The commands of TEXT, and all that is none. */
function commandsIn(text: string): { commands: Word[][]; refused: UnsupportedPart[] } {
  const commands: Word[][] = [];
  const refused: UnsupportedPart[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; ) {
    const first = i;
    while (i < lines.length - 1 && /(?:^|[^\\])(?:\\\\)*\\$/.test(lines[i])) i++;
    i++;
    try {
      const command = lines.slice(first, i).join('\n').replace(QUIET, '');
      for (const words of splitCommands(command, first + 1)) {
        const fault = refusalOf(words);
        if (fault === undefined) commands.push(words);
        else refused.push(fault);
      }
    } catch (fault) {
      if (!(fault instanceof ShellFault)) throw fault;
      refused.push(refusal(fault.word, fault.message.replace(/; expected: .*/s, '')));
    }
  }
  return { commands, refused };
}

function refusalOf(words: readonly Word[]): UnsupportedPart | undefined {
  const [word] = withoutSudo(words);
  if (word === undefined || IPTABLES.test(word.text) || IDLE.test(word.text) || word.text === 'exit') return undefined;
  return refusal(word, `"${word.text}" is not an iptables command`);
}

function refusal(word: Word, what: string): UnsupportedPart {
  return { part: 'rule', name: word.text, message: `${what}; ${REMEDY}`, word };
}

function withoutSudo(words: readonly Word[]): readonly Word[] {
  return words[0]?.text === 'sudo' ? words.slice(1) : words;
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

  /** Carries out WORDS; returns whether the script goes on. Throws a RulesetError if it ends because of a fault. */
  command(words: readonly Word[]): boolean {
    const [name, ...args] = withoutSudo(words);
    const tool = IPTABLES.exec(name.text)?.[1];
    if (tool === 'iptables') this.#iptables(args);
    else if (tool === 'ip6tables') this.#warn(name, 'rules for IPv6 are not followed: ip6tables was not run');
    else if (name.text === 'set' && args.some(({ text }) => /^-\w*e/.test(text))) this.#isStrict = true;
    return name.text !== 'exit';
  }

  finish(): Ruleset {
    const { tables } = this.#state.ruleset;
    const read = { family: 'ipv4', warnings: this.#warnings, unparsed: this.#unparsed } as const;
    const assumed = [{ line: 1, column: 1, message: 'the host has no rules before this script runs' }];
    return { ...checkedRuleset(this.#file, tables, read, this.#options), assumed };
  }

  #iptables(words: readonly Word[]): void {
    const { names, backend = 'legacy' } = this.#options;
    const tool = { name: 'iptables', backend } as const;
    const applied = applyIptables(words, this.#state, { tool, file: this.#file, ...(names && { names }) });
    for (const { word, message } of applied.warnings) this.#warn(word, message);
    const { fault, stderr } = applied;
    this.#state = { ruleset: applied.ruleset, counters: applied.counters };
    if (fault === undefined) return;
    const said = stderr.split('\n').find((line) => line !== '' && !line.startsWith('Try `')) ?? fault.message;
    if (fault.code === 'unsupported') this.#unparsed.push(unparsedPart(fault));
    else if (this.#isStrict) throw new RulesetError(this.#file, fault);
    else this.#warn(fault.word, `this command fails, and the script goes on: ${said}`);
  }

  #warn({ line, column }: Word, message: string): void {
    this.#warnings.push({ line, column, message });
  }
}

/** The commands in the lines of a table: which ones there are, what each allows, and what is parsed of them. */
import type { Family } from '../../../codecs/address.js';
import type { NamesDescription } from '../../../codecs/host/names.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { HOOK_NAMES, Hook, type TableName } from '../../hooks.js';
import type { BaseMatch } from '../base-match.js';
import type { Backend, Match, Target } from '../model.js';
import type { UnsupportedPart } from '../unsupported.js';
import { EndingFault, RuleFault } from './error.js';

/** The commands, and which options each of them allows (commands_v_options in iptables). */
export const COMMANDS: Readonly<Record<string, string>> = {
  A: 'sdpjviocf',
  I: 'sdpjviocf',
  R: 'sdpjviocf',
  C: 'sdpjviof',
  D: 'sdpjviof',
  L: 'nvx0',
  P: 'vc',
  E: 'v',
  F: 'v',
  N: 'v',
  S: 'v',
  X: 'v',
  Z: 'v',
};
/** Commands of a rule, for which a chain's hook excludes an interface. */
export const RULE_COMMANDS = 'AICDR';
/** Options that may be given only once, and those that may be negated. */
export const SINGLE = 'nsdpjxioc0f';
export const NEGATABLE = 'sdpiof';
/** A parsed rule, before it is placed in a chain. */
export interface RuleDraft {
  readonly base: BaseMatch;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** The line number in the file, from 1. */
  readonly line: number;
  /** The file of a rule that is from another one than the rest of its table. */
  readonly file?: string;
  /** As in `Rule`. */
  readonly unsupported: readonly UnsupportedPart[] | undefined;
  readonly verbatim: string | undefined;
}

export interface Command {
  /** As in COMMANDS; on the command line also V or h, which end iptables at once. */
  readonly letter: string;
  readonly word: Word;
  readonly chain: Word | undefined;
  /** The number of a rule, from 1. */
  readonly position: number | undefined;
  /** For -P the policy, for -E the new name. */
  readonly argument: Word | undefined;
  /** One draft for each pair of source and destination. */
  readonly rules: readonly RuleDraft[];
  /** The words of their matches, in order, and of their target. */
  readonly matchWords: readonly Word[];
  readonly targetWord: Word;
  /** `-c`: packets and bytes. */
  readonly counters: readonly [packets: bigint, bytes: bigint] | undefined;
  /** `-Z` beside a listing: what it zeroes afterwards. */
  readonly zeroes: 'chain' | 'rule' | undefined;
  /** How often -v is given. */
  readonly verbosity: number;
}

/** What the words of an iptables command say that lines of a file cannot. */
export interface CommandLine {
  /** Takes the value of `-t`. */
  setTable(word: Word): void;
}

/** The names that a rule may refer to. */
export interface RuleScope {
  readonly table: TableName;
  readonly family: Family;
  readonly names: NamesDescription;
  /** Left out: legacy. */
  readonly backend?: Backend | undefined;
  /** Whether the table currently has a built-in or user chain of this name. */
  chainKind(name: string): 'built-in' | 'user' | undefined;
  chainNames(): Iterable<string>;
  /** Whether the file has a `:NAME` line so far, in any table: iptables then loads no target of this name. */
  isDeclared(name: string): boolean;
  /** Set for the words of a command. What its rule jumps to is then looked up by what carries it out. */
  readonly commandLine?: CommandLine;
  /** Takes note of what iptables accepts but hardly means what its author wanted. */
  warn(word: Word, message: string): void;
}

/** Built-in chains refuse rules about an interface that their packets do not have: of `-i` or `-o`, if given. */
export function checkDevices(chain: Word, inWord: Word | undefined, outWord: Word | undefined): void {
  if (inWord === undefined && outWord === undefined) return;
  const hook = HOOK_NAMES.indexOf(chain.text as (typeof HOOK_NAMES)[number]);
  if (inWord !== undefined && (hook === Hook.OUTPUT || hook === Hook.POSTROUTING)) {
    const what = `-i cannot be used in ${chain.text}: its packets have no input interface`;
    throw new RuleFault(inWord, what, '', 'invalid', `Can't use -i with ${chain.text}\n`);
  }
  if (outWord !== undefined && (hook === Hook.INPUT || hook === Hook.PREROUTING)) {
    const what = `-o cannot be used in ${chain.text}: its packets have no output interface`;
    throw new RuleFault(outWord, what, '', 'invalid', `Can't use -o with ${chain.text}\n`);
  }
}

/** Stands for a message of iptables that only says how to get help. */
export const ONLY_USAGE = 'usage';

/** What iptables says of a ! before the option LETTER. */
export function notInverted(letter: string): string {
  if (COMMANDS[letter] !== undefined) return "unexpected '!' flag";
  if (letter === 't') return 'unexpected ! flag before --table';
  if (letter === 'm') return 'unexpected ! flag before --match';
  return `cannot have ! before -${letter === 'g' ? 'j' : letter}`;
}

/** The error for the options that iptables-restore does not take, or that end it. */
export function refusedOption(letter: string, word: Word): RuleFault {
  if (letter === 't') return new RuleFault(word, `${word.text} cannot be used here`, '*table before the rules');
  if (letter === 'w' || letter === 'W') return new RuleFault(word, `${word.text} cannot be used in a file`);
  const what = `${word.text} ends iptables-restore, and the rest of the file is not loaded`;
  return new EndingFault(word, what, 'a command', 'unsupported');
}

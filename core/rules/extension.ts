/**
 * What a match or target extension is: one descriptor that knows its options, how it is saved, what it means, and what
 * it leaves behind (effect.ts).
 */
import type { Word } from '../../codecs/iptables-save.js';
import type { Hook, TableName, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { BaseMatch, ProtocolMatch } from './base-match.js';
import type { RuleContext } from './context.js';
import type { Effect, EffectPlanner } from './effect.js';
import type { Lowered } from './lower.js';
import type { MatchState } from './run/match-state.js';

/** An option of an extension, as `--name`. */
export interface OptionSpec {
  readonly name: string;
  /** Other spellings of the same option. */
  readonly aliases?: readonly string[];
  /** How many words follow it. */
  readonly words: 0 | 1 | 2;
  /** What follows it, for error messages: `a port or a range of ports`. */
  readonly expected?: string;
  readonly invertible?: boolean;
  readonly required?: boolean;
  /** Options that cannot be beside this one. */
  readonly excludes?: readonly string[];
}

/** An option as it stood in a rule. */
export interface ParsedOption {
  /** The `name` of its spec, whatever the spelling was. */
  readonly name: string;
  readonly word: Word;
  readonly negated: boolean;
  readonly values: readonly Word[];
  /** The rule's `-p` where it stood before this option: some options may only follow it. */
  readonly protocol: ProtocolMatch | undefined;
}

/** The options that a rule gave to one extension, each at most once. */
export interface ParsedOptions {
  /** The `-m` or `-j` word's name, for errors about what is missing. */
  readonly word: Word;
  get(name: string): ParsedOption | undefined;
  readonly all: readonly ParsedOption[];
}

/** Where a rule stands, for the checks that the kernel makes when a table is loaded. */
export interface RuleSite {
  readonly table: TableName;
  /** The hooks from which the rule can be reached, as bits `1 << hook`; 0: from none. */
  readonly hooks: number;
  readonly base: BaseMatch;
}

export interface Extension<P> {
  readonly name: string;
  readonly options: readonly OptionSpec[];
  /** Tables and hooks outside which the kernel refuses it; undefined: none. */
  readonly tables?: readonly TableName[];
  readonly hooks?: readonly Hook[];
  /** Throws a RulesetError. */
  parse(options: ParsedOptions): P;
  /** What the kernel refuses when the table is loaded, in words; undefined: nothing. */
  refuse?(params: P, site: RuleSite): string | undefined;
  /** The options as iptables-save prints them, each with a space before it; without `-m name` or `-j name`. */
  save(params: P): string;
}

export interface MatchExtension<P> extends Extension<P> {
  /** The note that the match is to people. */
  comment?(params: P): string;
  /** What the match means. Everything else that is known of it follows. */
  lower(params: P): Lowered;
  /**
   * Of a match that keeps something from packet to packet, or draws at random: called once for each rule of each table
   * that runs. The state then answers the native test that `lower` returns.
   */
  createState?(params: P, context: RuleContext): MatchState;
}

export interface TargetExtension<P> extends Extension<P> {
  /** Whether it ends the table for a packet; if not, it always says CONTINUE. */
  readonly terminates: boolean;
  apply(params: P, packet: Packet, context: RuleContext): Verdict;
  /** What `apply` does besides its verdict. Without it, the worst is assumed: 'outside'. */
  effect?(params: P): Effect;
  /**
   * Asks PLANNER for what `apply` does to every packet of a megaflow, and returns the verdict for all of them.
   * Undefined, as is assumed without it: they may differ, and no megaflow is learned.
   */
  plan?(params: P, planner: EffectPlanner): Verdict | undefined;
}

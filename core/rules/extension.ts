/** The descriptor of a match or target extension: its options, saved form, meaning and effect (effect.ts). */
import type { Family } from '../../codecs/address.js';
import type { NamesDescription } from '../../codecs/host/names.js';
import type { Word } from '../../codecs/iptables-save.js';
import type { Hook, TableName, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { BaseMatch, ProtocolMatch } from './base-match.js';
import type { RuleContext } from './context.js';
import type { Effect, EffectPlanner } from './effect.js';
import type { ListedForm } from './listing/listed-form.js';
import type { Lowered } from './lower.js';
import type { Match } from './model.js';
import type { KernelObjects } from './parse/kernel-objects.js';
import type { MatchState } from './run/match-state.js';

/** An option of an extension, as `--name`. */
export interface OptionSpec {
  readonly name: string;
  /** Alternative names. */
  readonly aliases?: readonly string[];
  /** Number of words that follow it. */
  readonly words: 0 | 1 | 2;
  /** Whether a word may follow all the same: the next one, unless it starts with - or !. */
  readonly mayHaveWord?: boolean;
  /** What follows it, for error messages: `a port or a range of ports`. */
  readonly expected?: string;
  readonly invertible?: boolean;
  /** The families whose extension has it; undefined if both. */
  readonly families?: readonly Family[];
  readonly required?: boolean;
  /** May be given more than once. `get` then returns the first; the others are in `all`. */
  readonly repeatable?: boolean;
  /** Options that cannot be combined with this one. */
  readonly excludes?: readonly string[];
}

/** An option in a rule. */
export interface ParsedOption {
  /** The `name` in its spec, even if an alias was used. */
  readonly name: string;
  readonly word: Word;
  readonly negated: boolean;
  readonly values: readonly Word[];
  /** The rule's `-p` if it came before this option, as some options require. */
  readonly protocol: ProtocolMatch | undefined;
}

/** The options given to one extension, each at most once unless it is repeatable. */
export interface ParsedOptions {
  /** The word after `-m` or `-j`, for errors about missing options. */
  readonly word: Word;
  /** The family of the rule's addresses: ipv4 for iptables, ipv6 for ip6tables. */
  readonly family: Family;
  /** The names of numbers on the host. */
  readonly names: NamesDescription;
  get(name: string): ParsedOption | undefined;
  readonly all: readonly ParsedOption[];
}

/** Where a rule is, for the kernel's checks when a table is loaded. */
export interface RuleSite {
  readonly table: TableName;
  readonly family: Family;
  /** The hooks from which the rule can be reached, as bits `1 << hook`; 0 if none. */
  readonly hooks: number;
  readonly base: BaseMatch;
  /** What this rule and those before it make in the kernel, in the order in which it loads them. */
  readonly objects: KernelObjects;
  /** Whether the rule is one of nf_tables (iptables-nft). */
  readonly isNft: boolean;
  readonly matches: readonly Match[];
}

/** A set that an extension names: the kernel counts each mention as a reference. */
export interface SetMention {
  readonly name: string;
  /** Where it stands. */
  readonly word: Word;
}

/** The errors with which the kernel refuses tables. */
export type KernelError = 'EINVAL' | 'ENOENT' | 'ELOOP' | 'ERANGE';

/** Why the kernel refuses something, and with which error, if it is not EINVAL. */
export type KernelRefusal = string | { readonly what: string; readonly error: KernelError };

export interface Extension<P> {
  readonly name: string;
  readonly options: readonly OptionSpec[];
  /** Whether iptables reads its options in an older way, with messages of its own about them. */
  readonly hasOwnMessages?: boolean;
  /** The families that have it; undefined if both. */
  readonly families?: readonly Family[];
  /** The tables and hooks to which the kernel restricts it; undefined if any. */
  readonly tables?: readonly TableName[];
  readonly hooks?: readonly Hook[];
  /** Throws a RulesetError. */
  parse(options: ParsedOptions): P;
  /** The reason why the kernel refuses it when the table is loaded; undefined if it does not. */
  refuse?(params: P, site: RuleSite): KernelRefusal | undefined;
  /**
   * What the emulation would need to follow a packet that meets it; undefined if nothing. A rule with such an extension
   * is parsed and saved, but not run.
   */
  unsupported?(params: P): string | undefined;
  /** The sets that it asks or changes. */
  sets?(params: P): readonly SetMention[];
  /** Formats the options as iptables-save does, each with a leading space, without `-m name` or `-j name`. */
  save(params: P): string;
  /** The same, in words that read back as the same where what iptables-save prints does not. */
  saveExactly?(params: P): string;
  /** What `iptables -L` prints of it, behind the columns of its rule. Undefined: not known, or nothing. */
  readonly listed?: ListedForm;
}

export interface MatchExtension<P> extends Extension<P> {
  /** The comment, if the match is one. */
  comment?(params: P): string;
  /** The meaning of the match. Everything else about it is derived from this. */
  lower(params: P): Lowered;
  /** The accounting object of the host that it counts in. */
  accountingObject?(params: P): string;
  /** Loading it turns nf_conntrack_acct on. */
  readonly turnsOnAccounting?: boolean;
  /** Connections get labels while some rule has it (nf_connlabels_get). */
  readonly usesLabels?: boolean;
  /**
   * For a match that keeps state between packets or makes random choices: called once for each rule of each running
   * table. The state then decides the native test returned by `lower`.
   */
  createState?(params: P, context: RuleContext): MatchState;
  /**
   * For a match whose rules share state by name: creates that state as the first rule with the name says. Called before
   * any `createState`, for all rules in the order in which the kernel loads them.
   */
  share?(params: P, context: RuleContext): void;
  /**
   * What iptables-nft makes of it where that behaves in another way: expressions of nf_tables instead of the extension
   * of x_tables. Left out: the same.
   */
  readonly nft?: Partial<Pick<MatchExtension<P>, 'parse' | 'refuse' | 'lower' | 'createState'>>;
}

export interface TargetExtension<P> extends Extension<P> {
  /** The name that listings give it, if that is the one of another target, whose alias it is. */
  readonly listedName?: string;
  /** Whether it ends the traversal of the table. Otherwise it returns CONTINUE, or, if `mayDrop`, DROP. */
  readonly terminates: boolean;
  /** Whether it drops some packets although it does not end the table for others. */
  readonly mayDrop?: boolean;
  /** What it changes depends on the packet's addresses and ports. */
  readonly readsEnds?: boolean;
  /** It drops every packet, with or without an answer. */
  readonly refuses?: boolean;
  /** It translates the address of one end, and the new address depends on the old one only. */
  readonly mapsEnd?: boolean;
  /** It connects to servers in place of clients, whose packets then pass one more hook entry (core/synproxy). */
  readonly proxies?: boolean;
  /** Called for each rule when the host starts. */
  load?(params: P, context: RuleContext): void;
  apply(params: P, packet: Packet, context: RuleContext): Verdict;
  /** For iptables it is a verdict, as ACCEPT is, and no extension. */
  readonly isVerdict?: boolean;
  /** It may mark packets so that the rules they match are logged (`packet.isTraced`). */
  readonly marksTraced?: boolean;
  /** The effect of `apply` besides its verdict. Default: 'outside', the worst case. */
  effect?(params: P): Effect;
  /** Whether later rules may see another state of the connection (`packet.ctinfo`). Default: no. */
  readonly changesState?: boolean;
  /**
   * Tells PLANNER what `apply` does to every packet of a megaflow, and returns their verdict. Undefined, which is also
   * the default, means that they may differ, so no megaflow is learned.
   */
  plan?(params: P, planner: EffectPlanner): Verdict | undefined;
}

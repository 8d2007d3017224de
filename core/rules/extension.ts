/**
 * What a match or target extension is: one descriptor that knows its options, how it is saved, what it means (the
 * interpreter), how it compiles, and what it leaves behind (effect.ts).
 */
import type { Word } from '../../codecs/iptables-save.js';
import type { Hook, TableName, Verdict } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { BaseMatch, ProtocolMatch } from './base-match.js';
import type { RuleContext } from './context.js';
import type { Effect, EffectPlanner } from './effect.js';
import type { PortRange } from './parse/values.js';
import type { Code, Generator } from './run/codegen.js';
import type { MatchState } from './run/match-state.js';

/** What a rule can read of a packet that its connection fixes: packets of one direction in one state all have the same. */
export const CONNECTION_FIELDS = [
  'source',
  'destination',
  'protocol',
  'ports',
  'inDev',
  'outDev',
  'ctinfo',
  'ctdirection',
  'cttuple',
  'ctstatus',
  'connmark',
  'mark',
] as const;

/**
 * What a rule can read that differs from packet to packet. `state` is what a match keeps of the packets before (or draws at
 * random): whoever asks changes it, so it is asked once a packet (see `MatchState`).
 */
export const PACKET_FIELDS = [
  'fragment',
  'tcpFlags',
  'tcpOptions',
  'icmpType',
  'ctexpire',
  'length',
  'ttl',
  'tos',
  'packetType',
  'state',
] as const;

export type PacketField = (typeof CONNECTION_FIELDS)[number] | (typeof PACKET_FIELDS)[number];

/** What a match asks of fields that an index knows. A packet outside of one of them never matches. */
export interface Bounds {
  /** Ranges of which one must hold the port; undefined: any. */
  readonly sport?: readonly PortRange[] | undefined;
  readonly dport?: readonly PortRange[] | undefined;
  /** States that the packet may be in, as bits 1 << CtInfo; undefined: any. */
  readonly states?: number;
  /** There is nothing else that it asks: within its bounds, a packet whose header is whole matches. */
  readonly isAll: boolean;
  /** Within its bounds, it may do more than answer (set `packet.hotdrop`): what stands behind it is asked only after it. */
  readonly hasEffects?: boolean;
}

/** One thing that can be asked of a packet's header: whether a field, of which only the bits of MASK count, is from MIN to MAX. */
export interface FieldTest {
  /** `tos` and `tcpFlags` are bytes, `length` is the IP header's total length, `ttl` as it is at the hook. */
  readonly field: 'tos' | 'ttl' | 'length' | 'tcpFlags' | 'sport' | 'dport';
  readonly mask?: number;
  readonly min: number;
  readonly max: number;
  readonly negated: boolean;
}

/** An option of an extension, as `--name`. */
export interface OptionSpec {
  readonly name: string;
  /** Other spellings of the same option. */
  readonly aliases?: readonly string[];
  /** How many words follow it. */
  readonly words: 0 | 1 | 2;
  /** What follows it, for error messages: `a port or a range of ports`. */
  readonly wanted?: string;
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
  reads(params: P): readonly PacketField[];
  /** The note that the match is to people. */
  comment?(params: P): string;
  /** Without it: the match may have any bounds and any effects. */
  bounds?(params: P): Bounds;
  /**
   * Of a match that keeps something from packet to packet, or draws at random (it reads `state`): called once for each rule
   * of each table that runs. The state is then handed to `check` and `compile`, and is all that these ask.
   */
  createState?(params: P, context: RuleContext): MatchState;
  /** Does PACKET match? May set `packet.hotdrop`, and is then false. This defines what the match means. */
  check(params: P, packet: Packet, context: RuleContext, state?: MatchState): boolean;
  /** An expression that is true where `check` is. It may take for granted that the packet's header is whole (see `isWhole`). */
  compile(params: P, context: RuleContext, gen: Generator, state?: MatchState): Code;
  /** Tests that all hold where `check` says yes, of a packet whose header is whole; undefined: it takes more than these. */
  tests?(params: P): readonly FieldTest[] | undefined;
  /** Why PACKET matches or not, in a few words: `dport 80 is not 443`. Where there is a state: why the answer was no. */
  explain(params: P, packet: Packet, context: RuleContext): string;
}

export interface TargetExtension<P> extends Extension<P> {
  /** Whether it ends the table for a packet; if not, it always says CONTINUE. */
  readonly terminates: boolean;
  apply(params: P, packet: Packet, context: RuleContext): Verdict;
  /** What `apply` does besides its verdict. Without it, the worst is assumed: 'outside'. */
  effect?(params: P): Effect;
  /**
   * Asks PLANNER for what `apply` does to every packet of a megaflow, and returns the verdict for all of them. Undefined, as is
   * assumed without it: they may differ, and no megaflow is learned.
   */
  plan?(params: P, planner: EffectPlanner): Verdict | undefined;
}

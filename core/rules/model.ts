/**
 * A ruleset as data: parsed from iptables-save text by `parseRuleset`, run by the engines, printed by `saveRuleset`. It
 * is immutable; what changes during a run is in `TableCounters`.
 */
import type { Family } from '../../codecs/address.js';
import type { Hook, TableName, Verdict } from '../hooks.js';
import type { BaseMatch } from './base-match.js';
import type { MatchExtension, TargetExtension } from './extension.js';
import type { MatchState } from './run/match-state.js';
import { createTrace, type Trace } from './run/trace.js';
import type { UnsupportedPart } from './unsupported.js';

export interface Ruleset {
  readonly fileName: string;
  /** The address family of its rules. iptables-restore loads ipv4. */
  readonly family: Family;
  /** In file order. A table that is given twice is included once, as given last. */
  readonly tables: readonly Table[];
  /** About what `lax` accepted, and what iptables accepts but takes for something else than its author may think. */
  readonly warnings: readonly RulesetWarning[];
  /** What is assumed where the text leaves something open. Undefined: nothing. */
  readonly assumed?: readonly RulesetWarning[];
}

export interface RulesetWarning {
  /** Undefined: the ruleset's. */
  readonly file?: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The implementation of iptables that a host has. */
export type Backend = 'legacy' | 'nft';

export interface Table {
  readonly name: TableName;
  readonly family: Family;
  /** The built-in chains in hook order, followed by the user chains sorted by name (strcmp), as in iptables-save. */
  readonly chains: readonly Chain[];
  /**
   * Its base chains are deleted, as `iptables-nft -X` does with empty ones: it is still printed, but at no hook, and if
   * it is the nat table, nothing is translated. iptables-legacy cannot do that.
   */
  readonly isUnhooked?: boolean;
  /** It is one of nf_tables, as iptables-nft makes it. Left out: of x_tables. */
  readonly isNft?: boolean;
  /** All rules, chain by chain. A rule's `index` is its position here and in the counters. */
  readonly rules: readonly Rule[];
}

export interface Chain {
  readonly name: string;
  /** The hook of a built-in chain; undefined for user chains. */
  readonly hook: Hook | undefined;
  /** ACCEPT or DROP. Meaningless for user chains. */
  readonly policy: Verdict;
  /** The file and line (from 1) that set a built-in chain's policy or declare a user chain. Line 0: none does. */
  readonly file: string;
  readonly line: number;
  /**
   * An empty base chain of nf_tables that does not exist: `iptables-nft -X` deletes it, or nothing has needed it yet.
   * It has no hook then, though iptables-save prints it all the same.
   */
  readonly isAbsent?: boolean;
  /** The policy of this base chain of nf_tables counts nothing: a rule made the chain, and nothing set its policy. */
  readonly isUncounted?: boolean;
  /** Its position in the table's `chains`. */
  readonly index: number;
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Its position in the table's `rules`. */
  readonly index: number;
  /** The name of its chain, and its number there, from 1 (as in `iptables -L --line-numbers`). */
  readonly chain: string;
  readonly number: number;
  /** The file and line (from 1) that the rule was read from. */
  readonly file: string;
  readonly line: number;
  /** The text of its first `-m comment`. */
  readonly comment: string | undefined;
  readonly base: BaseMatch;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** What of it the emulation cannot follow, in order. The rule then never matches. Undefined: nothing. */
  readonly unsupported: readonly UnsupportedPart[] | undefined;
  /** Set for a rule that could not be parsed, accepted by `lax`: this text is saved after `-A chain`. */
  readonly verbatim: string | undefined;
  /** What takes the place of `unsupported`. Only present in a running table (`withStates`). */
  readonly unasked?: MatchState;
}

/** One `-m` of a rule: an extension and its parsed options. */
export interface Match {
  readonly extension: MatchExtension<unknown>;
  readonly params: unknown;
  /** State that the match keeps between packets. Only present in a running table (`withStates`). */
  readonly state?: MatchState;
}

/** What happens to a packet that matches a rule. */
export type Target =
  /** No `-j`: the rule only counts. */
  | { readonly kind: 'none' }
  /** ACCEPT, DROP or RETURN. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** `-j chain` and `-g chain`. */
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'extension'; readonly extension: TargetExtension<unknown>; readonly params: unknown };

/** The counters of a table: packets at 2n, IP total lengths in bytes at 2n + 1. */
export interface SavedCounters {
  /** n is a rule's `index`. */
  readonly rules: Float64Array;
  /** n is the hook of a built-in chain. */
  readonly policies: Float64Array;
}

/** The counters of a running table. */
export interface TableCounters extends SavedCounters {
  /**
   * Where the compiled table records what a packet traverses (trace.ts): rule n as `firstId + n`, the policies after
   * all rules.
   */
  readonly trace: Trace;
  readonly firstId: number;
}

/** Creates the counters of TABLE, all zero. TRACE and FIRST_ID allow several tables to share a trace. */
export function createCounters(table: Table, trace: Trace = createTrace(), firstId = 0): TableCounters {
  return { rules: new Float64Array(table.rules.length * 2), policies: new Float64Array(HOOKS * 2), trace, firstId };
}

const HOOKS = 5;

/** The number of trace IDs that TABLE needs. */
export function traceIds(table: Table): number {
  return table.rules.length + HOOKS;
}

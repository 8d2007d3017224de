/**
 * A ruleset as data: what `parseRuleset` makes of iptables-save text, what both engines run and `saveRuleset` prints.
 * Nothing here changes once it is made; what changes while packets pass is in `TableCounters`.
 */
import type { Family } from '../../codecs/address.js';
import type { Hook, TableName, Verdict } from '../hooks.js';
import type { BaseMatch } from './base-match.js';
import type { MatchExtension, TargetExtension } from './extension.js';
import type { MatchState } from './run/match-state.js';
import { createTrace, type Trace } from './run/trace.js';

export interface Ruleset {
  readonly fileName: string;
  /** Which addresses its rules are about: ipv4, as iptables-restore loads it. */
  readonly family: Family;
  /** In the order in which the file loads them; a table given twice is there once, as its last part says. */
  readonly tables: readonly Table[];
  /** What `lax` let pass. */
  readonly warnings: readonly RulesetWarning[];
}

export interface RulesetWarning {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface Table {
  readonly name: TableName;
  readonly family: Family;
  /** The built-in chains in hook order, then the user chains by name (strcmp), as iptables-save lists them. */
  readonly chains: readonly Chain[];
  /** All rules, chain after chain; a rule's `index` is its place here, and in the counters. */
  readonly rules: readonly Rule[];
}

export interface Chain {
  readonly name: string;
  /** The hook of a built-in chain; undefined: a user chain. */
  readonly hook: Hook | undefined;
  /** ACCEPT or DROP; what a user chain has here means nothing. */
  readonly policy: Verdict;
  /** The file that sets a built-in chain's policy, or declares a user chain, and the line there, from 1; line 0: no file does. */
  readonly file: string;
  readonly line: number;
  /** Its place in the table's `chains`. */
  readonly index: number;
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Its place in the table's `rules`. */
  readonly index: number;
  /** Name of the chain that it is in, and its number there, from 1 (as `iptables -L --line-numbers` counts). */
  readonly chain: string;
  readonly number: number;
  /** The file that the rule was read from, and its line there, from 1. */
  readonly file: string;
  readonly line: number;
  /** The text of its `-m comment`, the first one where there are several. */
  readonly comment: string | undefined;
  readonly base: BaseMatch;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** Set where `lax` let an unsupported rule pass: it never matches, and this is what is saved behind `-A chain`. */
  readonly verbatim: string | undefined;
}

/** One `-m` of a rule: an extension and what its options said. */
export interface Match {
  readonly extension: MatchExtension<unknown>;
  readonly params: unknown;
  /** What the match keeps from packet to packet, where it does: only in a table that runs (`withStates`). */
  readonly state?: MatchState;
}

/** What happens to a packet that a rule matches. */
export type Target =
  /** No `-j`: the rule only counts. */
  | { readonly kind: 'none' }
  /** ACCEPT, DROP or RETURN. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** `-j chain` and `-g chain`. */
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'extension'; readonly extension: TargetExtension<unknown>; readonly params: unknown };

/** What a table has counted: packets at 2n, IP total lengths in bytes at 2n + 1. */
export interface TableCounters {
  /** n is a rule's `index`. */
  readonly rules: Float64Array;
  /** n is the hook of a built-in chain. */
  readonly policies: Float64Array;
  /** Where the compiled table writes down what a packet meets (trace.ts): rule n as `firstId + n`, the policies after all rules. */
  readonly trace: Trace;
  readonly firstId: number;
}

/** Counters of TABLE, all zero. TRACE and FIRST_ID serve whoever has several tables traced as one. */
export function createCounters(table: Table, trace: Trace = createTrace(), firstId = 0): TableCounters {
  return { rules: new Float64Array(table.rules.length * 2), policies: new Float64Array(HOOKS * 2), trace, firstId };
}

const HOOKS = 5;

/** How many ids TABLE takes in a trace. */
export function traceIds(table: Table): number {
  return table.rules.length + HOOKS;
}

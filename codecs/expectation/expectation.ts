/**
 * Expectations: what a ruleset is expected to do with packets, as expect.yaml says it (docs/expectations.md).
 * `readExpectation` reads them.
 */
import type { Address } from '../address.js';
import type { Sentence } from '../sentence/sentence.js';
import type { Place } from './expectation-error.js';
import type { PlacedText } from './placed-yaml.js';

export interface Expectation {
  /** Those of the file itself. */
  readonly names: ReadonlyMap<string, Address>;
  /** At least one. */
  readonly claims: readonly Claim[];
}

export type Claim = PacketClaim | NeverClaim | CountersClaim;

/** A member of a claim: what it says, as it is written, and where. */
export interface Member<T> extends PlacedText {
  readonly value: T;
}

/** The place is where the claim begins, behind "- ". */
interface ClaimBase extends Place {
  /** `it`, or what it is about. No other claim of the file has the same. */
  readonly name: string;
  /** It has an `it`. */
  readonly isNamed: boolean;
  /** What it is about, as it is written: the sentence, or the counters. */
  readonly text: string;
}

/** About captured packets, captured connections, or a packet that is sent. */
export interface PacketClaim extends ClaimBase {
  readonly kind: 'packet' | 'connection' | 'send';
  /** Undefined: it is one of the FOLLOW_WORDS. */
  readonly sentence: Sentence | undefined;
  readonly subject: Member<Sentence | undefined>;
  /** How it left, or reached the host. */
  readonly becomes?: Member<Sentence>;
  /** What went back to its sender. It may have no ends. */
  readonly answer?: Member<Sentence>;
  readonly ends?: Member<ExpectedEnd>;
  readonly by?: Member<ExpectedDecider>;
  /** Only of `send`: AFTER_CAPTURES, or the name of another `send` claim, on the host of which it goes on. */
  readonly after?: Member<string>;
}

/** No packet of this kind gets through. */
export interface NeverClaim extends ClaimBase {
  readonly kind: 'never';
  readonly sentence: Sentence;
  readonly subject: Member<Sentence>;
}

/** About the counters of rules and policies after all captures. */
export interface CountersClaim extends ClaimBase {
  readonly kind: 'counters';
  /** At least one. */
  readonly counters: readonly ExpectedCounter[];
}

export interface ExpectedCounter {
  readonly of: Member<CountedDecider>;
  /** At least one; all must hold. */
  readonly bounds: Member<readonly CounterBound[]>;
}

export interface CounterBound {
  readonly unit: 'packets' | 'bytes';
  readonly comparison: '=' | '<' | '<=' | '>' | '>=';
  readonly value: number;
}

/** What `after` says for the host as the captures left it. */
export const AFTER_CAPTURES = 'captures';

/** What became of a packet: a verdict; of a connection, also `expired`. `accepted`: forwarded, sent or delivered. */
export const EXPECTED_ENDS = [
  'accepted',
  'forwarded',
  'sent',
  'delivered',
  'dropped',
  'rejected',
  'held',
  'skipped',
  'expired',
] as const;
export type ExpectedEnd = (typeof EXPECTED_ENDS)[number];

/** What decided. `words`: whole words in a row of the rule as it is saved, or text in its comment. */
export type ExpectedDecider =
  | CountedDecider
  | { readonly kind: 'chain'; readonly table: ExpectedTable; readonly chain: string }
  | { readonly kind: 'reason'; readonly reason: string }
  | { readonly kind: 'none' };

/** What has counters. `number`: from 1. */
export type CountedDecider =
  | { readonly kind: 'words'; readonly table: ExpectedTable; readonly chain: string; readonly words: string }
  | { readonly kind: 'number'; readonly table: ExpectedTable; readonly chain: string; readonly number: number }
  | { readonly kind: 'policy'; readonly table: ExpectedTable; readonly chain: string };

export const EXPECTED_TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;
export type ExpectedTable = (typeof EXPECTED_TABLES)[number];

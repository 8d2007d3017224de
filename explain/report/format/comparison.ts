/** What two replays of the same captures did differently: the section `comparison`. */
import type { HookName, TableName } from '../../../core/hooks.js';
import type { DifferenceKind } from '../../diff/kinds.js';
import type { Tone } from '../../story/rows.js';
import type { Verdict } from '../../story/story.js';

export interface Comparison {
  /** How many arrived on either side, and how many of them differ, in how many connections. */
  readonly compared: number;
  readonly different: number;
  readonly connections: number;
  /** The most serious first. */
  readonly differences: readonly ComparedGroup[];
  /** Groups that are not listed, and their connections. */
  readonly leftOut: { readonly groups: number; readonly connections: number };
}

/** Connections whose first packets that differ do so in the same way, because of the same rules. */
export interface ComparedGroup {
  readonly kind: DifferenceKind;
  /** What that means, in words. */
  readonly what: string;
  /** These first packets are replies. */
  readonly isReply: boolean;
  readonly connections: number;
  readonly packets: number;
  /** Of these packets: those after the first one of their connection, and those that are uncertain. */
  readonly following: number;
  readonly uncertain: number;
  readonly old: ComparedSide;
  readonly new: ComparedSide;
  readonly services: readonly ComparedService[];
  /** How many more there are. */
  readonly moreServices: number;
  readonly example: ComparedExample;
}

export interface ComparedSide {
  readonly verdict: Verdict;
  /** What decided: `rules.v4:31`, `policy of filter FORWARD (rules.v4:15)`. */
  readonly decider: string;
  readonly rule?: ComparedRule;
}

export interface ComparedRule {
  readonly table: TableName;
  readonly chain: string;
  /** In its chain, from 1. */
  readonly number: number;
  readonly file: string;
  readonly line: number;
  /** As in RulePicture. */
  readonly text: string;
}

export interface ComparedService {
  /** `tcp 8081` */
  readonly name: string;
  readonly connections: number;
  readonly packets: number;
  /** Who is at its ends, in words. */
  readonly from: string;
  readonly to: string;
}

/** The first packet of a group. */
export interface ComparedExample {
  /** As in PACKET_COLUMNS. */
  readonly input: number;
  readonly frame: number;
  /** `frame 12 of eth0.pcap (eth0)` */
  readonly place: string;
  /** The packet in words; absent if it was not traced. */
  readonly packet?: string;
  readonly steps: readonly ComparedSteps[];
  /** What left because of it, in words; absent: it does not arrive there, or was not traced. */
  readonly oldSends?: readonly string[];
  readonly newSends?: readonly string[];
}

/** What happened to the packet next: the same on both sides, or what only the old one does and what only the new one. */
export interface ComparedSteps {
  /** If a hook begins. */
  readonly hook?: HookName | 'local';
  readonly both: readonly ComparedRow[];
  readonly old: readonly ComparedRow[];
  readonly new: readonly ComparedRow[];
}

export interface ComparedRow {
  /** `filter 3`; with the numbers of both sides where a rule has moved: `filter 3→4`. */
  readonly label: string;
  readonly text: string;
  /** What came of it, or why it did not match. */
  readonly result: string;
  readonly tone: Tone;
}

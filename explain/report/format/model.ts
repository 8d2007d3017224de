/**
 * What a report is made of. A page reads its index at once, and unpacks the sections when they are looked at. Times are
 * in nanoseconds from the first packet. Numbers of things (interfaces, rules, traversals …) are positions in their lists.
 */
import type { HookName, TableName } from '../../../core/hooks.js';
import type { Summary } from '../../../replay/summary.js';
import type { Verdict } from '../../story/story.js';
import type { HostPicture } from './host-picture.js';
import type { Stop } from './places.js';

export const REPORT_FORMAT = 1;

/** What is on the page before anything is unpacked. */
export interface ReportIndex {
  readonly format: typeof REPORT_FORMAT;
  /** The program and its version. */
  readonly generator: string;
  readonly title: string;
  /** One; of a comparison, the old one and the new one; live, as many as were named. Empty if there is only `bench`. */
  readonly results: readonly ResultIndex[];
  /** There is a section `comparison`. */
  readonly isComparison: boolean;
  /** There is a section `bench`. */
  readonly hasBench: boolean;
}

/** One replay. Its sections are called `0/packets/3`: the number of the result, the kind of section, and its number. */
export interface ResultIndex {
  /** What tells it from the other results: a folder, a file of rules, `old`. */
  readonly name: string;
  /** It is still being replayed. */
  readonly isRunning: boolean;
  readonly progress?: { readonly packets: number; readonly consumedBytes: number; readonly totalBytes: number };
  /** As in summary.json, without the connections and flows that it lists; absent until the replay has ended. */
  readonly summary?: Summary;
  /** The time of the first packet. */
  readonly start: { readonly sec: number; readonly nsec: number };
  readonly durationNs: number;
  readonly packets: PacketsIndex;
  readonly host: HostPicture;
  /** What was run: briefly, and at length, a line for each. */
  readonly run: { readonly words: readonly string[]; readonly details: readonly string[] };
  readonly notes: readonly NoteGroup[];
  readonly inputs: readonly { readonly name: string; readonly files: readonly string[] }[];
  /** Names for addresses. */
  readonly names: Readonly<Record<string, string>>;
  readonly numberNames: NumberNames;
  readonly timeline: TimelineIndex;
  /** How many chunks there are of each kind of section, and how many rows all but the last of them have. */
  readonly sections: Readonly<Record<SectionKind, { readonly chunks: number; readonly rows: number }>>;
}

/** What numbers are called, of which packets have some: not all that there are. */
export interface NumberNames {
  /** Protocols by their names, as iptables writes them. */
  readonly protocols: Readonly<Record<string, number>>;
  /** Types of ICMP, and types with codes (`3/1`), by their names. The first name for one is what is written. */
  readonly icmp: Readonly<Record<string, string>>;
  /** Ports by the names of their services. */
  readonly services: Readonly<Record<string, number>>;
}

/** What somebody has to know who relies on the report, of one kind. */
export interface NoteGroup {
  readonly kind: 'warning' | 'assumed' | 'uncertain' | 'left-out';
  readonly sign: string;
  readonly title: string;
  readonly texts: readonly string[];
}

/**
 * How many packets were replayed, by their verdicts, and how many are listed. Those that filters leave out, and those
 * that were captured as the host sent them, are not among them.
 */
export interface PacketsIndex {
  readonly read: number;
  readonly verdicts: Readonly<Record<Verdict, { readonly packets: number; readonly bytes: number }>>;
  readonly listed: number;
  /** Packets that are counted but not listed, and why. */
  readonly leftOut: number;
  /** `--show`, if that chose the packets; `size`: the file would have been too large. */
  readonly leftOutBy?: 'show' | 'size';
  /** Listed packets whose bytes are not in the file. */
  readonly withoutBytes: number;
  /** Of their bytes, only headers are in the file. */
  readonly hasHeadersOnly?: true;
}

/** Tells choices of listed packets apart. */
const choiceOf = ({ leftOutBy, hasHeadersOnly }: PacketsIndex): string => `${leftOutBy} ${hasHeadersOnly}`;

/**
 * packets: PACKET_COLUMNS. bytes: the bytes of the same packets (packet-bytes.ts). traversals: TraversalChunk as JSON
 * (folded-traversals.ts). traversalCounts:
 * TRAVERSAL_COUNT_COLUMNS. tuples: TUPLE_COLUMNS. rules: RulesSection as JSON. connections: CONNECTION_COLUMNS.
 * timeline: TIMELINE_COLUMNS. events: TimelineEvent[] as JSON. details: string[][] as JSON: what is said of packets and
 * is not in their rows, such as what was logged.
 */
export type SectionKind =
  | 'packets'
  | 'bytes'
  | 'traversals'
  | 'traversalCounts'
  | 'tuples'
  | 'rules'
  | 'connections'
  | 'timeline'
  | 'events'
  | 'details';

/**
 * The kinds of which only chunks are added while a report grows, so that full ones stay as they are: of two reports that
 * list the packets of CHOICE and BEFORE. Some have all there is, whichever packets are listed.
 */
export function growingKinds(choice: PacketsIndex, before: PacketsIndex): readonly SectionKind[] {
  return choiceOf(choice) === choiceOf(before)
    ? ['traversals', 'tuples', 'packets', 'bytes', 'details']
    : ['traversals', 'tuples'];
}

/** What became of packets, in the order of the numbers that columns have for it. */
export const VERDICTS = [
  'forwarded',
  'sent',
  'delivered',
  'dropped',
  'rejected',
  'held',
  'skipped',
] as const satisfies readonly Verdict[];

/**
 * One row a frame that arrived, or that the host sent by itself, in the order of the replay.
 * input, frame: its number there, from 1, as Wireshark shows it. timeNs. length: of the IP packet; of a frame without
 * one, of the frame. connection: -1: none. direction: 0 original, 1 reply, -1: neither. inDev: interface, -1: the host's
 * own, or of a frame that does not enter the host, not known. outDev: interface, -1: it did not leave, -2: it reached
 * the host. tuple, after: its ends as it arrived, and as it left or was dropped, -1: none. traversal. flags: TCP flags,
 * -1: it is no TCP segment. details: a position in the section of that name, -1: none.
 */
export const PACKET_COLUMNS = [
  'input',
  'frame',
  'timeNs',
  'length',
  'connection',
  'direction',
  'inDev',
  'outDev',
  'tuple',
  'after',
  'traversal',
  'flags',
  'details',
] as const;
export const PACKET_ROWS = 1 << 16;

/**
 * The ends of packets. source, destination: as numbers, the first byte of the address in the highest bits. sport,
 * dport: -1: none; of ICMP, its type and code. id: of an ICMP query; of GRE both keys, the first one in the lower half;
 * -1: none. Those of packets have no IDs, only those of connections.
 */
export const TUPLE_COLUMNS = ['protocol', 'source', 'destination', 'sport', 'dport', 'id'] as const;

/** One row a traversal: how many packets took it, whether they are listed or not. */
export const TRAVERSAL_COUNT_COLUMNS = ['packets', 'bytes'] as const;

/** The width of the bins of the timeline, one of BIN_WIDTHS, and how many of them have something to tell. */
export interface TimelineIndex {
  readonly binNs: number;
  readonly bins: number;
}

/**
 * One row a bin in which there is something, in order. bin: its number; bin 0 starts with the first packet, and those
 * of captures whose time runs backwards may be below. Packets and bytes (as `length` of PACKET_COLUMNS) by verdict, and
 * how many entries the connection table has at its end; -1: that was not counted, it may be what it was before.
 */
export const TIMELINE_COLUMNS = [
  'bin',
  ...VERDICTS.map((verdict) => `${verdict}Packets` as const),
  ...VERDICTS.map((verdict) => `${verdict}Bytes` as const),
  'connections',
] as const;

/** Something that happened at a time, besides packets. */
export interface TimelineEvent {
  readonly timeNs: number;
  /** When the last of the same happened that are told with it. */
  readonly untilNs?: number;
  /**
   * change: of rules, sets or the host, by `--at`. set: entries of a set came or went. limit: packets were over a limit.
   * expired: fragments, timers, connections.
   */
  readonly kind: 'change' | 'set' | 'limit' | 'expired';
  readonly text: string;
  /** The rule that did it. */
  readonly rule?: number;
  /** How many there were, if not one. */
  readonly times?: number;
}

/** All rules that were in force at some time. */
export interface RulesSection {
  readonly rulesets: readonly RulesetPicture[];
  readonly chains: readonly ChainPicture[];
  readonly rules: readonly RulePicture[];
  /** The states of connections, by the numbers that columns have for them. */
  readonly connectionStates: readonly string[];
  /** The time-outs of connections, likewise: their sysctls in full, if there is one, and how long they are. */
  readonly connectionTimeouts: readonly { readonly sysctl?: string; readonly seconds?: number }[];
}

/** The rules between two changes of them. Chains and rules that a change left alone are those of the ruleset before. */
export interface RulesetPicture {
  /** The file, or the change that brought it. */
  readonly name: string;
  readonly sinceNs: number;
  /** The change that brought it, as a position in `changes` of the summary. Absent: it was there from the beginning. */
  readonly change?: number;
  /** In the order in which iptables-save prints them. */
  readonly tables: readonly { readonly table: TableName; readonly chains: readonly number[] }[];
  /** Why more may never match than is said: tables that are too complex to examine. */
  readonly givenUp: readonly string[];
}

export interface ChainPicture {
  readonly table: TableName;
  readonly name: string;
  /** Of built-in chains. */
  readonly hook?: HookName;
  readonly policy?: 'ACCEPT' | 'DROP';
  /** What its policy counted, as iptables shows it at the end, or when the chain went. */
  readonly packets: number;
  readonly bytes: number;
  /** In order. */
  readonly rules: readonly number[];
  readonly file?: string;
  readonly line?: number;
  /** Why no packet ever enters it, or, of a built-in chain, its policy never decides, in words. */
  readonly never?: string;
  /** The rules that are the reason. */
  readonly neverBy?: readonly number[];
}

export interface RulePicture {
  /** The chain that it was in at last. */
  readonly chain: number;
  /** There, from 1. */
  readonly number: number;
  readonly file: string;
  readonly line: number;
  /** As iptables-save writes it, without `-A CHAIN`. */
  readonly text: string;
  readonly comment?: string;
  readonly target?: string;
  /** The chain of its table that it jumps or goes to. */
  readonly jump?: string;
  /** As iptables shows them at the end, or when the rule went. */
  readonly packets: number;
  readonly bytes: number;
  /** How many packets were compared with it: those of traversals. */
  readonly asked: number;
  /** The change that ended it, from 1. */
  readonly until?: number;
  /** Why no packet can ever match it, in words. */
  readonly never?: string;
  /** The rules that are the reason, such as those that shadow it. */
  readonly neverBy?: readonly number[];
  /** What of it the emulation cannot follow, in words: it never matches. */
  readonly unsupported?: string;
}

/** What packets have in common that met the same rules with the same results, all the way through the host. */
export interface Traversal {
  readonly verdict: Verdict;
  readonly decider: TraversalDecider;
  /** The interface that such packets came by; -1: they are the host's own. */
  readonly inDev: number;
  /** What conntrack said first. */
  readonly ctstate?: string;
  readonly stages: readonly TraversalStage[];
  /** Where it leads in netfilter's diagram, in order. */
  readonly course: readonly Stop[];
  /** What the host sent because of it: answers and copies. Their packets are in the bytes section, in this order. */
  readonly related: readonly RelatedTraversal[];
  /** What makes such packets uncertain. */
  readonly uncertain: readonly string[];
}

export interface RelatedTraversal extends Traversal {
  readonly origin: 'answer' | 'copy' | 'broadcast' | 'loopback';
  /** The packet in words. */
  readonly words: Words;
  /** As `outDev` of PACKET_COLUMNS. */
  readonly outDev: number;
}

export type TraversalDecider =
  | { readonly kind: 'rule'; readonly hook: HookName; readonly rule: number; readonly reason?: string }
  | { readonly kind: 'policy'; readonly hook: HookName; readonly chain: number }
  /** No rule decided: in words why. */
  | { readonly kind: 'host'; readonly words: string; readonly reason: string; readonly hook?: HookName }
  | { readonly kind: 'none' };

export interface TraversalStage {
  /** Absent: before the first hook. */
  readonly hook?: HookName;
  readonly steps: readonly TraversalStep[];
}

export type TraversalStep =
  | TraversalRuleStep
  | { readonly kind: 'policy'; readonly table: TableName; readonly chain: number }
  /** NAT by the binding of the packet's connection, or by the rule before. */
  | { readonly kind: 'translated'; readonly end: 'source' | 'destination'; readonly words: Words }
  | { readonly kind: 'tracked'; readonly ctstate: string; readonly words: Words; readonly isInvalid: boolean }
  | {
      readonly kind: 'routed';
      readonly to: 'host' | 'interface' | 'nowhere';
      readonly dev?: number;
      readonly words: Words;
    }
  | { readonly kind: 'dropped'; readonly words: Words }
  | { readonly kind: 'left'; readonly dev: number }
  | { readonly kind: 'related'; readonly related: number }
  /** All else, in words. */
  | { readonly kind: 'other'; readonly words: Words };

export interface TraversalRuleStep {
  readonly kind: 'rule';
  readonly table: TableName;
  readonly rule: number;
  /** How many chains were entered to come to it: 0 in a built-in chain. */
  readonly level: number;
  readonly isMatched: boolean;
  /** The conditions that failed, with the packet's values. */
  readonly failed: readonly Words[];
  /** What it did besides its verdict. */
  readonly effects: readonly Words[];
}

/**
 * Text with values of the packet in it, so that packets with other values share a traversal: strings, and numbers
 * between them: positions in TRAVERSAL_VALUES, or, from their number on, in the list of the packet's details.
 */
export type Words = string | readonly (string | number)[];

/**
 * What words can have from the packet's row: the ends of `tuple` (addresses with dots, ports in decimal), those of
 * `after`, its length, and its flags by their names (SYN/ACK).
 */
export const TRAVERSAL_VALUES = [
  ...(['source', 'destination', 'sport', 'dport'] as const),
  ...(['newSource', 'newDestination', 'newSport', 'newDport'] as const),
  ...(['length', 'flags'] as const),
] as const;

/** What happened to one packet on its way through the host: made of the events of core, for checks to look at. */
import type {
  DroppedEvent,
  FailedTest,
  LeftEvent,
  PacketFields,
  RoutedEvent,
  TimedOutEvent,
  TrackedEvent,
  TranslatedEvent,
} from '../../core/events.js';
import type { HookName, TableName } from '../../core/hooks.js';
import type { Rule } from '../../core/rules/model.js';
import type { FramePlace } from '../../replay/packet-watch.js';

/** The header of a TCP segment. */
export interface Segment {
  /** TCP_SYN and the like. */
  readonly flags: number;
  readonly sequence: number;
  readonly dataBytes: number;
  /** The option, if it is there. */
  readonly mss: number | undefined;
}

/** An ICMP message; of an error, the addresses and ports of the packet that it quotes. */
export interface Message {
  readonly type: number;
  readonly code: number;
  /** Of an echo request and the like. */
  readonly id: number;
  readonly quoted: Ends | undefined;
}

/** The two ends of a packet. Ports are -1 where there are none; ICMP queries have their ID in place of both. */
export interface Ends {
  readonly protocol: number;
  readonly source: string;
  readonly sport: number;
  readonly destination: string;
  readonly dport: number;
}

/** A rule that a packet matched. */
export interface MatchedRule {
  readonly table: TableName;
  readonly hook: HookName;
  readonly rule: Rule;
}

export interface MissedRule {
  readonly hook: HookName;
  readonly rule: Rule;
  readonly failures: readonly FailedTest[];
}

export type PacketFate = 'forwarded' | 'sent' | 'delivered' | 'dropped' | 'rejected' | 'held' | 'skipped';

/** A packet that arrived, that the host sent, or that answers another. */
export interface PacketRecord {
  /** The frame of the capture; of an answer, the one that caused it. And as `--packet` takes it. */
  readonly place: FramePlace;
  readonly name: string;
  readonly tsSec: number;
  readonly tsNsec: number;
  /** Findings may be about it (`--show`). */
  readonly isShown: boolean;
  /** How often the rules had been changed when it came. */
  readonly rulesVersion: number;
  /** Undefined: the host's own. */
  readonly inDev: string | undefined;
  /** The host made it: an answer of REJECT or of the IP stack, or a copy. */
  readonly isMade: boolean;
  /** As it came in; undefined if its header is malformed or it is no packet of IPv4. */
  arrived: PacketFields | undefined;
  ends: Ends | undefined;
  segment: Segment | undefined;
  message: Message | undefined;
  /** The packet as it came in, as far as it is kept, and how long it was. */
  bytes: Uint8Array;
  lengthBytes: number;
  /** Where in `bytes` the data behind the header of TCP or UDP begins; at their end if there is none. */
  dataAt: number;
  tracked: TrackedEvent | undefined;
  /** It had an entry that is too old. */
  timedOut: TimedOutEvent | undefined;
  readonly translations: TranslatedEvent[];
  /** The last decision. */
  routed: RoutedEvent | undefined;
  readonly matched: MatchedRule[];
  /** The rules of table nat that would have translated it, but for a few tests that it fails. */
  readonly missed: MissedRule[];
  /** Table nat was asked: it is the first packet of its connection. */
  isNatAsked: boolean;
  left: LeftEvent | undefined;
  dropped: DroppedEvent | undefined;
  /** What the host made because of it: answers and copies. */
  readonly answers: PacketRecord[];
  end: PacketFate;
  /** What really becomes of it is not known. */
  isUncertain: boolean;
}

/** Whether the packet went on: it left, or reached the host. */
export function isAccepted({ end }: PacketRecord): boolean {
  return end === 'forwarded' || end === 'sent' || end === 'delivered';
}

/** The ends of the packet as it left, or as it was when it was dropped. */
export function lastFields(record: PacketRecord): PacketFields | undefined {
  return record.left?.packet ?? record.dropped?.packet;
}

/** The rule that translated the packet's connection at this END, if it is the first packet. */
export function natRuleOf(record: PacketRecord, end: 'source' | 'destination'): Rule | undefined {
  const hooks: readonly HookName[] = end === 'source' ? ['POSTROUTING', 'INPUT'] : ['PREROUTING', 'OUTPUT'];
  return record.matched.findLast(
    ({ table, hook, rule }) => table === 'nat' && hooks.includes(hook) && rule.target.kind === 'extension',
  )?.rule;
}

/** Whether NAT has translated the packet at this END. */
export function isTranslated({ translations }: PacketRecord, end: 'source' | 'destination'): boolean {
  return translations.some((translation) => translation.end === end);
}

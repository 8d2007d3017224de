/**
 * What happens to a packet inside the host, as it happens: one event for each decision. Pass an observer to
 * `createEmulator`, or to `Emulator.observe` between two packets, to receive them. Without an observer, no events are
 * created. While there is one, the interpreter runs the rules and packets do not take the fast path.
 *
 * Events hold no reference to the packet, which keeps changing. Rules and chains are those of the ruleset.
 */
import type { DropCause } from './drop.js';
import type { ValueField } from './fields.js';
import type { HookName, TableName } from './hooks.js';
import type { LinkSkip } from './link/locate-ip.js';
import type { Reason } from './reasons.js';
import type { Chain, Rule } from './rules/model.js';
import type { UncertainCause } from './uncertainty.js';

/** An IPv4 packet at the time of an event. */
export interface PacketFields {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Present if the protocol has ports and they were captured. */
  readonly sport?: number;
  readonly dport?: number;
  /** The IP header's total length. */
  readonly lengthBytes: number;
  readonly ttl: number;
  readonly tos: number;
  readonly mark: number;
  /** Present for TCP, if its header was captured. */
  readonly tcp?: TcpFields;
  /** Present for ICMP, if its type and code were captured. */
  readonly icmp?: IcmpFields;
  /** Present for a fragment. */
  readonly fragment?: FragmentFields;
}

export interface TcpFields {
  /** The byte of flags (RFC 9293: FIN is 1, CWR 128). */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** As in the header, unscaled. */
  readonly window: number;
  /** The length of what follows the header. */
  readonly dataBytes: number;
}

export interface IcmpFields {
  readonly type: number;
  readonly code: number;
}

export interface FragmentFields {
  /** Where it starts in its packet. */
  readonly offsetBytes: number;
  readonly isLast: boolean;
}

/** One end of a packet. */
export interface PacketEnd {
  readonly address: string;
  readonly port?: number;
}

/** A frame arrived on interface `dev`, or the host itself sends it (undefined). */
export interface FrameEvent {
  readonly kind: 'frame';
  readonly dev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
}

/** The frame has no packet for the host. */
export interface SkippedEvent {
  readonly kind: 'skipped';
  readonly reason: LinkSkip;
}

/** The host accepted the frame's packet. */
export interface DecodedEvent {
  readonly kind: 'decoded';
  readonly packet: PacketFields;
}

/** The packet enters a hook. */
export interface HookEvent {
  readonly kind: 'hook';
  readonly hook: HookName;
  readonly packet: PacketFields;
}

/** A test of a rule that the packet fails. */
export interface FailedTest {
  /** With the packet's value: `dport 80 is not 443`. */
  readonly text: string;
  /** As `failedMatch`. */
  readonly match?: number;
  /** The field that it tests, if it is one, and the packet's value; no value if the packet does not have the field. */
  readonly field?: ValueField;
  readonly value?: number;
  /** The same as `text`, in parts, if it is about fields: any of them would have done. */
  readonly misses?: readonly Miss[];
}

/** A rule was evaluated. */
export interface RuleEvent {
  readonly kind: 'rule';
  readonly table: TableName;
  readonly rule: Rule;
  readonly isMatched: boolean;
  /** The first condition that failed, with the packet's value: `dport 80 is not 443`. */
  readonly failed?: string;
  /** The match that it belongs to, as a position in the rule's `matches`; undefined if to -s, -p and the like. */
  readonly failedMatch?: number;
  /** All tests that the packet fails, in order, the first one included. Absent if it matched. */
  readonly failures?: readonly FailedTest[];
  /** How many tests behind the first one are not known: earlier packets or chance decide about them. */
  readonly unknown?: number;
  /** The header is malformed, so the packet is dropped at this rule. */
  readonly isHotdrop: boolean;
}

/** Why a packet does not meet a condition about a field. */
export interface Miss {
  readonly field: ValueField;
  /** The packet's value, as `formatField` prints it; absent if the packet has none. */
  readonly value?: string;
  /** What the condition wants, or if negated, does not want; absent if nothing can meet it. */
  readonly expected?: string;
  readonly isNegated: boolean;
}

/** The target of a rule changed something of the packet, or of its connection. */
export interface ChangedEvent {
  readonly kind: 'changed';
  readonly table: TableName;
  readonly rule: Rule;
  readonly what: ChangedThing;
  /** Of the set that has other entries. */
  readonly set?: string;
  /** Before and after. Absent: there was, or is, none. */
  readonly from?: string;
  readonly to?: string;
}

export type ChangedThing =
  | 'mark'
  | 'connection mark'
  | 'TOS'
  | 'TTL'
  | 'MSS'
  | 'entries'
  | 'TCP options'
  | 'state'
  | 'bytes';

/** A rule told somebody about the packet: the kernel's log, or the program that listens to a netlink group. */
export interface LoggedEvent {
  readonly kind: 'logged';
  /** The kernel's message. */
  readonly line?: string;
  readonly group?: number;
  readonly prefix?: string;
  /** It is what -j TRACE logs of each rule. */
  readonly isTrace?: boolean;
}

/** No rule of a base chain decided, so its policy did. */
export interface PolicyEvent {
  readonly kind: 'policy';
  readonly table: TableName;
  readonly chain: Chain;
}

/** Conntrack processed the packet. */
export interface TrackedEvent {
  readonly kind: 'tracked';
  readonly ctstate: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
  /** Its direction in its connection. */
  readonly direction?: 'original' | 'reply';
  /** The connection's state before and after, for protocols with states. */
  readonly stateBefore?: string;
  readonly stateAfter?: string;
  /** Why the packet is INVALID. */
  readonly invalid?: InvalidCheck;
  /** It passes as one of its connection, but counts for nothing: conntrack is not sure that its receiver takes it. */
  readonly isIgnored?: true;
  /** For a TCP segment of a known connection that is INVALID or ignored: its position in the windows. */
  readonly window?: WindowFields;
  /** What the kernel logs about it with `net.netfilter.nf_conntrack_log_invalid`, in its words. */
  readonly remark?: string;
  /** Its connection had ended: its entry gave way to a new one. */
  readonly isReopened?: true;
  /** How long its entry lives if no packet follows, and the time-out that it has just been given, if it was. */
  readonly expiresSec?: number;
  readonly timeout?: TimeoutFields;
}

export interface TimeoutFields {
  /** In full: `net.netfilter.nf_conntrack_udp_timeout`; absent if there is none for it, or it is not known which. */
  readonly sysctl?: string;
  readonly seconds?: number;
}

/** Conntrack had an entry for the packet, but it has expired. */
export interface TimedOutEvent {
  readonly kind: 'timed-out';
  /** As `conntrack -L` names it. */
  readonly protocol: string;
  readonly state?: string;
  readonly timeout: TimeoutFields;
  /** Since when. */
  readonly agoSec: number;
}

export type InvalidCheck =
  | 'header'
  | 'checksum'
  | 'no-checksum'
  | 'flags'
  | 'type'
  | 'family'
  | 'no-tuple'
  | 'no-quoted-connection'
  | 'not-opening'
  | 'state'
  | 'window'
  | 'reset'
  | 'tag'
  | 'chunks';

/** A TCP segment, compared with what conntrack expected. */
export interface WindowFields {
  readonly sequence: number;
  readonly acknowledgment: number;
  /** How far its sequence number is beyond the receiver's window; 0 if it is not. */
  readonly beyondWindowBytes: number;
  /** How many bytes it acknowledges that the receiver was never seen to send. */
  readonly unseenBytes: number;
  /** How far its sequence number is below what the receiver has acknowledged. */
  readonly belowAcknowledgedBytes: number;
}

/** The routing decision. */
export interface RoutedEvent {
  readonly kind: 'routed';
  /** To the host itself, out of an interface, or nowhere for `reason`. */
  readonly to: 'host' | 'interface' | 'nowhere';
  readonly dev?: string;
  readonly nextHop?: string;
  readonly reason?: Reason;
  /** The host's own packet is rerouted because rules changed it. */
  readonly isAgain: boolean;
}

/** NAT rewrote one end of the packet. */
export interface TranslatedEvent {
  readonly kind: 'translated';
  readonly hook: HookName;
  readonly end: 'source' | 'destination';
  readonly from: PacketEnd;
  readonly to: PacketEnd;
}

/** A fragment is held until its packet is complete, or it completed the packet. */
export interface FragmentEvent {
  readonly kind: 'held' | 'reassembled';
  readonly packet: PacketFields;
}

/** Fragments expired because the rest of their packets did not arrive in time. */
export interface ExpiredEvent {
  readonly kind: 'expired';
  readonly fragments: number;
}

/**
 * A timer of `-j IDLETIMER` has expired: no packet restarted it in time. Heard with the next frame, before its packet.
 */
export interface IdleEvent {
  readonly kind: 'idle';
  readonly label: string;
}

/** The host answers the packet with an ICMP error or a RST. The events of the answer follow. */
export interface AnsweredEvent {
  readonly kind: 'answered';
  readonly packet: PacketFields;
  readonly icmp?: IcmpFields;
}

/**
 * There is a copy of the packet: TEE sends one, or the host receives its own broadcast. The events of the copy follow.
 */
export interface CopiedEvent {
  readonly kind: 'copied';
  readonly by: 'tee' | 'broadcast';
  readonly packet: PacketFields;
}

export interface DroppedEvent {
  readonly kind: 'dropped';
  readonly cause: DropCause;
  /** Its sender was notified by REJECT. */
  readonly isRejected: boolean;
  /** Absent if its IP header is malformed. */
  readonly packet?: PacketFields;
  /** The original destination, if DNAT had changed it. */
  readonly untranslatedDestination?: PacketEnd;
}

/** What becomes of the packet is uncertain: something that the emulation cannot know decides about it. */
export interface UncertainEvent {
  readonly kind: 'uncertain';
  readonly cause: UncertainCause;
}

/** The packet leaves by interface `dev`, or has reached the host itself (undefined). */
export interface LeftEvent {
  readonly kind: 'left';
  readonly dev: string | undefined;
  readonly packet: PacketFields;
}

export type EventBody =
  | FrameEvent
  | SkippedEvent
  | DecodedEvent
  | HookEvent
  | RuleEvent
  | PolicyEvent
  | ChangedEvent
  | LoggedEvent
  | TrackedEvent
  | TimedOutEvent
  | RoutedEvent
  | TranslatedEvent
  | FragmentEvent
  | ExpiredEvent
  | IdleEvent
  | AnsweredEvent
  | CopiedEvent
  | DroppedEvent
  | LeftEvent
  | UncertainEvent;

/**
 * `depth` is 0 for the received packet, 1 for what the host sends or loops back because of it (from `answered` or
 * `copied` on), and so on.
 */
export type PacketEvent = EventBody & { readonly depth: number };

export type Observer = (event: PacketEvent) => void;

/** Emits an event; undefined without an observer. */
export type Emit = ((event: EventBody) => void) | undefined;

/** Who emits events ask this for each packet, because an observer may come or go between two. */
export interface Observation {
  readonly emit: Emit;
}

/** Nobody observes, ever. */
export const UNOBSERVED: Observation = { emit: undefined };

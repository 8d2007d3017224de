/**
 * What happens to a packet inside the host, as it happens: the decision of every part that takes one. Who wants to know gives
 * `createEmulator` an observer; without one no event is made. With one, the interpreter runs the rules and nothing is remembered.
 *
 * Events hold no reference to the packet, which goes on and changes; rules and chains are those of the ruleset.
 */
import type { DropCause } from './drop.js';
import type { HookName, TableName } from './hooks.js';
import type { LinkSkip } from './link/locate-ip.js';
import type { Reason } from './reasons.js';
import type { Chain, Rule } from './rules/model.js';

/** An IPv4 packet as it was when something happened to it. */
export interface PacketFields {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Where the protocol has ports, and they are there. */
  readonly sport?: number;
  readonly dport?: number;
  /** The IP header's total length. */
  readonly lengthBytes: number;
  readonly ttl: number;
  readonly tos: number;
  readonly mark: number;
}

/** One end of a packet. */
export interface PacketEnd {
  readonly address: string;
  readonly port?: number;
}

/** A frame arrived on interface `dev`; undefined: the host itself sends it. */
export interface FrameEvent {
  readonly kind: 'frame';
  readonly dev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
}

/** The frame holds no packet for the host. */
export interface SkippedEvent {
  readonly kind: 'skipped';
  readonly reason: LinkSkip;
}

/** The frame's packet is one that the host takes. */
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

/** A rule was tried. */
export interface RuleEvent {
  readonly kind: 'rule';
  readonly table: TableName;
  readonly rule: Rule;
  readonly isMatched: boolean;
  /** The first condition that the packet did not meet, in words and with the packet's value: `dport 80 is not 443`. */
  readonly failed?: string;
  /** A malformed header was met: the packet is dropped at this rule. */
  readonly isHotdrop: boolean;
}

/** No rule of a base chain decided: its policy does. */
export interface PolicyEvent {
  readonly kind: 'policy';
  readonly table: TableName;
  readonly chain: Chain;
}

/** Conntrack has looked at the packet. */
export interface TrackedEvent {
  readonly kind: 'tracked';
  readonly ctstate: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
  /** Its direction in its connection. */
  readonly direction?: 'original' | 'reply';
  /** The connection's state before and after, where the protocol has states. */
  readonly stateBefore?: string;
  readonly stateAfter?: string;
  /** Of an INVALID packet, which check made it that; and of a TCP segment of a known connection, where its windows were. */
  readonly invalid?: InvalidCheck;
  readonly window?: WindowFields;
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

/** A TCP segment, and what conntrack expected of it. */
export interface WindowFields {
  readonly sequence: number;
  readonly acknowledgment: number;
  /** How far its sequence number is beyond what its receiver permits; 0: it is not. */
  readonly beyondWindowBytes: number;
  /** How many bytes it acknowledges that its receiver was never seen to send. */
  readonly unseenBytes: number;
  /** How far its sequence number is below what its receiver has acknowledged. */
  readonly belowAcknowledgedBytes: number;
}

/** The routing decision. */
export interface RoutedEvent {
  readonly kind: 'routed';
  /** To the host itself; out by an interface; or the packet goes nowhere, for `reason`. */
  readonly to: 'host' | 'interface' | 'nowhere';
  readonly dev?: string;
  readonly nextHop?: string;
  readonly reason?: Reason;
  /** Rules changed a packet of the host's own, which is routed again. */
  readonly isAgain: boolean;
}

/** NAT has changed one end of the packet. */
export interface TranslatedEvent {
  readonly kind: 'translated';
  readonly hook: HookName;
  readonly end: 'source' | 'destination';
  readonly from: PacketEnd;
  readonly to: PacketEnd;
}

/** A fragment is held until its packet is whole, or it has made it whole. */
export interface FragmentEvent {
  readonly kind: 'held' | 'reassembled';
  readonly packet: PacketFields;
}

/** Fragments were given up, as the rest of their packets did not come in time. */
export interface ExpiredEvent {
  readonly kind: 'expired';
  readonly fragments: number;
}

/** The host answers the packet: an ICMP error, or a RST. What happens to the answer follows, one `depth` further in. */
export interface AnsweredEvent {
  readonly kind: 'answered';
  readonly packet: PacketFields;
  readonly icmp?: { readonly type: number; readonly code: number };
}

export interface DroppedEvent {
  readonly kind: 'dropped';
  readonly cause: DropCause;
  /** Absent if its IP header is malformed. */
  readonly packet?: PacketFields;
  /** Where DNAT had changed its destination: what that was. */
  readonly untranslatedDestination?: PacketEnd;
}

/** The packet leaves by interface `dev`; undefined: it has reached the host itself. */
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
  | TrackedEvent
  | RoutedEvent
  | TranslatedEvent
  | FragmentEvent
  | ExpiredEvent
  | AnsweredEvent
  | DroppedEvent
  | LeftEvent;

/** `depth`: 0 is the packet that went in, 1 what the host sends or takes back because of it, and so on. */
export type PacketEvent = EventBody & { readonly depth: number };

export type Observer = (event: PacketEvent) => void;

/** How the parts of a host tell of an event; undefined: nobody wants to know. */
export type Emit = ((event: EventBody) => void) | undefined;

/**
 * A packet's path through the whole host, and which other packets must take the same path: they match the same rules,
 * are routed by the same interfaces, are translated the same way and have the same outcome.
 *
 * This describes packets on arrival (the host's own: when they enter OUTPUT, with the source selected by their route),
 * without IP options and not in fragments. Conntrack's result for a packet is not derived but given: the set contains
 * only packets with the same result. It is also assumed that no other connection has the ports that a new connection
 * would have after translation.
 */
import { IPV4_DF, IPV4_FRAGMENT_AT, IPV4_LENGTH } from '../../codecs/layouts.js';
import { ORIGINAL_TUPLE, RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import { isFragment } from '../decode.js';
import type { DropCause } from '../drop.js';
import type { ValueField } from '../fields.js';
import type { Hook, TableName } from '../hooks.js';
import { Manip } from '../nat/range.js';
import type { CtInfo, Direction, Packet } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import { checkCondition, type FieldCondition } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import type { Rule } from '../rules/model.js';
import { isWhole } from '../rules/run/compile.js';
import { type FieldValues, fitsFields } from './narrowing.js';
import { hasResults, type NativeResult } from './same-outcome.js';

/** What excludes a packet: a rule, or a part of the host that treats it differently. */
export type Narrower = Rule | 'header' | 'source' | 'route' | 'ttl' | 'mtu' | 'mask' | 'connection';

/** Why nothing is known about other packets. */
export type AloneReason =
  /** A rule matches by earlier packets, at random, or by what an earlier rule did to the packet. */
  | 'rule-state'
  /** The rules that it met are not those that are followed: they have been replaced. */
  | 'other-rules'
  /** It has IP options. */
  | 'ip-options'
  /** It was reassembled. */
  | 'reassembled'
  /** The host's own broadcast or multicast, of which a copy may loop back. */
  | 'broadcast'
  /** An ICMP error about a connection that NAT handles. */
  | 'quoted-connection'
  /** NAT chose a port for it, or the choice depends on more than the packet. */
  | 'chosen-translation'
  /** A rule tests something that does not follow from the fields on arrival. */
  | 'unknown-field'
  /** It was dropped for a reason that depends on more than the packet, such as a full table. */
  | 'dropped';

export interface Alone {
  readonly reason: AloneReason;
  /** The table and hook concerned. */
  readonly table?: TableName;
  readonly hook?: Hook;
}

/**
 * A test that depends on more than the packet, such as on earlier packets or on a set, and the result that was given;
 * or, where that is asked for (`portsWith`), one that looks at more of the packet than fields.
 */
export interface GivenResult extends NativeResult {
  /** What the packet still had of its ends on arrival when it was tested: NAT had not processed these. */
  readonly asArrived: readonly ('source' | 'destination' | 'sport' | 'dport')[];
}

export type TraversalEnd =
  | { readonly kind: 'forwarded' | 'sent'; readonly dev: string }
  | { readonly kind: 'delivered' }
  | { readonly kind: 'dropped' | 'rejected'; readonly cause: DropCause };

/** Conntrack's result for a packet. */
export interface GivenConnection {
  readonly ctinfo: CtInfo;
  readonly direction: Direction;
  /** none: INVALID or UNTRACKED. opened: by this packet. known: an earlier packet opened it. */
  readonly kind: 'none' | 'opened' | 'known';
  /** The original tuple of the connection, if the set contains only its packets. */
  readonly tuple?: readonly number[];
}

export interface Traversal {
  readonly end: TraversalEnd;
  /** The rules it matched, table by table. */
  readonly matched: readonly Rule[];
  /** Undefined: it was dropped before conntrack. */
  readonly connection: GivenConnection | undefined;
  /** Set if nothing is known about other packets. The rest describes what was found up to that point. */
  readonly alone: Alone | undefined;
  /** The host itself sent it. */
  readonly isLocal: boolean;
  /** The packet's own values on arrival, of fields that are read from its headers; ABSENT where it lacks them. */
  readonly own: ReadonlyMap<ValueField, number>;
  /** The possible values of the packets' fields on arrival. A field that is not listed may have any value. */
  readonly fields: ReadonlyMap<ValueField, FieldValues>;
  /** The possible values of their connection's fields after conntrack. */
  readonly connectionFields: ReadonlyMap<ValueField, FieldValues>;
  readonly narrowedBy: ReadonlyMap<ValueField, readonly Narrower[]>;
  /** Conditions they meet on arrival, and tests that have the same results for them. */
  readonly conditions: readonly FieldCondition[];
  readonly nativeResults: readonly NativeResult[];
  /** Results that are given (`resultOf`): only packets that have them, too, are in the set. */
  readonly givenResults: readonly GivenResult[];
  /** How much of their layer-4 headers is present, see `SameOutcome`. Undefined: no rule depends on it. */
  readonly header: { readonly isWhole: boolean; readonly l4Available: number } | undefined;
  /** What of them NAT rewrites, so that it is the same for all at the end. */
  readonly translatedEnds: readonly ('source' | 'destination' | 'sport' | 'dport')[];
  /** NAT rewrites them, so their layer-4 headers must be long enough. */
  readonly isTranslated: boolean;
  /** Whether they have DF. Undefined: it makes no difference. */
  readonly dontFragment: boolean | undefined;
}

/** Whether PACKET, on arrival, may be in the set of TRAVERSAL. See `fitsConnection`. */
export function fitsArrival(traversal: Traversal, packet: Packet, context: RuleContext): boolean {
  const { alone, isLocal, isTranslated, header, dontFragment, fields, conditions, nativeResults } = traversal;
  if (isLocal !== packet.inDev < 0) return false;
  if (alone !== undefined || packet.headerLength !== IPV4_LENGTH || isFragment(packet)) return false;
  if (header !== undefined) {
    if (isWhole(packet) !== header.isWhole) return false;
    if (!header.isWhole && packet.l4Available !== header.l4Available) return false;
  }
  if (dontFragment !== undefined && hasDontFragment(packet) !== dontFragment) return false;
  if (!fitsFields(fields, packet, context) || (isTranslated && !isTranslatable(packet))) return false;
  if (!conditions.every((condition) => checkCondition(condition, packet, context))) return false;
  return hasResults(nativeResults, packet, context);
}

/** Whether conntrack's result for PACKET is the one given in TRAVERSAL. Must be called right after conntrack. */
export function fitsConnection(traversal: Traversal, packet: Packet, context: RuleContext): boolean {
  const { connection, connectionFields } = traversal;
  if (connection === undefined) return true;
  const { kind, ctinfo, direction, tuple } = givenConnection(packet, context, connection.tuple !== undefined);
  if (kind !== connection.kind || ctinfo !== connection.ctinfo || direction !== connection.direction) return false;
  if (tuple?.some((word, i) => word !== connection.tuple?.[i])) return false;
  return fitsFields(connectionFields, packet, context);
}

/** Conntrack's result for PACKET. Must be called right after conntrack. */
export function givenConnection(packet: Packet, { conntrack }: RuleContext, withTuple: boolean): GivenConnection {
  const { ct, ctinfo, direction } = packet;
  if (ct < 0) return { kind: 'none', ctinfo, direction };
  const base = ct * RECORD_WORDS;
  const isKnown = (conntrack.words[base + STATUS] & Status.CONFIRMED) !== 0;
  const given: GivenConnection = { kind: isKnown ? 'known' : 'opened', ctinfo, direction };
  if (!withTuple) return given;
  const at = base + ORIGINAL_TUPLE;
  return { ...given, tuple: [...conntrack.words.subarray(at, at + 3), packet.protocol] };
}

/** Whether NAT can rewrite both ends of PACKET. */
function isTranslatable({ protocol, bytes, l4, l4Available }: Packet): boolean {
  const header = Uint8Array.from(bytes.subarray(l4, l4 + l4Available));
  const view = new DataView(header.buffer);
  const { mangle } = protocolOf(protocol);
  return [Manip.SRC, Manip.DST].every((manip) => mangle(view, 0, header.length, manip, 0, 0));
}

export function hasDontFragment({ view, at }: Packet): boolean {
  return (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_DF) !== 0;
}

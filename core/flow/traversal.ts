/**
 * A packet's way through the whole host, and which other packets are bound to go the same way: they match the same
 * rules, are routed by the same interfaces, are translated alike and meet the same end.
 *
 * It is said of packets as they arrive (the host's own: as they enter OUTPUT, with the source that their route gave
 * them), without IP options and not in fragments. What conntrack says of a packet is not worked out but given: only
 * packets of which it says the same are among the others. So is that no other connection has the ports that a new
 * connection would have after translation.
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
import { answersAlike, type NativeAnswer } from './same-outcome.js';

/** What leaves out a packet: a rule, or a part of the host that treats it differently. */
export type Narrower = Rule | 'header' | 'source' | 'route' | 'ttl' | 'mtu' | 'mask' | 'connection';

/** Why nothing can be said of other packets. */
export type AloneReason =
  /** A rule that matches by what came before, or at random; or by what an earlier rule has made of the packet. */
  | 'rule-state'
  /** It has IP options. */
  | 'ip-options'
  /** It was made of fragments. */
  | 'reassembled'
  /** The host's own broadcast or multicast, of which a copy may come back. */
  | 'broadcast'
  /** An ICMP error about a connection that NAT looks at. */
  | 'quoted-connection'
  /** NAT chose a port for it, or would choose by more than the packet. */
  | 'chosen-translation'
  /** A rule asks for what no field of the arriving packet says. */
  | 'unknown-field'
  /** It was dropped for a reason that depends on more than it, such as a full table. */
  | 'dropped';

export interface Alone {
  readonly reason: AloneReason;
  /** The table of which that is so, and where. */
  readonly table?: TableName;
  readonly hook?: Hook;
}

export type TraversalEnd =
  | { readonly kind: 'forwarded' | 'sent'; readonly dev: string }
  | { readonly kind: 'delivered' }
  | { readonly kind: 'dropped' | 'rejected'; readonly cause: DropCause };

/** What conntrack said of a packet. */
export interface GivenConnection {
  readonly ctinfo: CtInfo;
  readonly direction: Direction;
  /** none: INVALID or UNTRACKED. opened: by this packet. known: an earlier packet opened it. */
  readonly kind: 'none' | 'opened' | 'known';
  /** The connection itself, where only its own packets are among the others: its original tuple. */
  readonly tuple?: readonly number[];
}

export interface Traversal {
  readonly end: TraversalEnd;
  /** The rules that it matched, table by table. */
  readonly matched: readonly Rule[];
  /** Undefined: it was dropped before conntrack looked at it. */
  readonly connection: GivenConnection | undefined;
  /** Set where the packet is the only one of which anything is said. The rest then tells what was found until then. */
  readonly alone: Alone | undefined;
  /** It is the host's own. */
  readonly isLocal: boolean;
  /** What fields of the others may be as they arrive; a field that is not here may be anything. */
  readonly fields: ReadonlyMap<ValueField, FieldValues>;
  /** What fields of their connection may be once conntrack has looked at them. */
  readonly connectionFields: ReadonlyMap<ValueField, FieldValues>;
  readonly narrowedBy: ReadonlyMap<ValueField, readonly Narrower[]>;
  /** Conditions that they meet as they arrive, and tests to which they give the same answer. */
  readonly conditions: readonly FieldCondition[];
  readonly answers: readonly NativeAnswer[];
  /** How much of their layer-4 headers is there, see `SameOutcome`. Undefined: no rule looked. */
  readonly header: { readonly isWhole: boolean; readonly l4Available: number } | undefined;
  /** NAT rewrites them, for which their layer-4 headers must be long enough. */
  readonly isTranslated: boolean;
  /** Whether they have DF. Undefined: that makes no difference. */
  readonly dontFragment: boolean | undefined;
}

/** Whether PACKET, as it arrives, may be one of those that TRAVERSAL is about; see `fitsConnection`. */
export function fitsArrival(traversal: Traversal, packet: Packet, context: RuleContext): boolean {
  const { alone, isLocal, isTranslated, header, dontFragment, fields, conditions, answers } = traversal;
  if (isLocal !== packet.inDev < 0) return false;
  if (alone !== undefined || packet.headerLength !== IPV4_LENGTH || isFragment(packet)) return false;
  if (header !== undefined) {
    if (isWhole(packet) !== header.isWhole) return false;
    if (!header.isWhole && packet.l4Available !== header.l4Available) return false;
  }
  if (dontFragment !== undefined && hasDontFragment(packet) !== dontFragment) return false;
  if (!fitsFields(fields, packet, context) || (isTranslated && !isTranslatable(packet))) return false;
  if (!conditions.every((condition) => checkCondition(condition, packet, context))) return false;
  return answersAlike(answers, packet, context);
}

/** Whether conntrack, which has just looked at PACKET, says of it what TRAVERSAL takes as given. */
export function fitsConnection(traversal: Traversal, packet: Packet, context: RuleContext): boolean {
  const { connection, connectionFields } = traversal;
  if (connection === undefined) return true;
  const { kind, ctinfo, direction, tuple } = givenConnection(packet, context, connection.tuple !== undefined);
  if (kind !== connection.kind || ctinfo !== connection.ctinfo || direction !== connection.direction) return false;
  if (tuple?.some((word, i) => word !== connection.tuple?.[i])) return false;
  return fitsFields(connectionFields, packet, context);
}

/** What conntrack, which has just looked at PACKET, says of it. */
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

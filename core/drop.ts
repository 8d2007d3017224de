/** What dropped a packet: the reason and, if rules did it, which rule. */
import type { LoadedAddress } from '../codecs/byte-order.js';
import { HOOK_NAMES, type Hook, type TableName } from './hooks.js';
import { CtInfo, type Packet, REPLY } from './packet.js';
import { REASONS, type Reason } from './reasons.js';
import type { Chain, Rule } from './rules/model.js';

/** Why packets were dropped. The same object is used for all packets with the same cause. */
export interface DropCause {
  readonly reason: Reason;
  /** The hook at which the table or the entry dropped it. */
  readonly hook?: Hook;
  /** The table of the rule or policy. */
  readonly table?: TableName;
  readonly rule?: Rule;
  /** The chain whose policy dropped it. */
  readonly policy?: Chain;
  /** The name of a custom hook entry. */
  readonly entry?: string;
}

/** A dropped packet. The emulator reuses one record for all packets. */
export interface Drop {
  readonly cause: DropCause;
  /**
   * Whether DNAT had changed the packet's destination, and the destination before: the address as `formatLoaded` takes
   * it, and the port in host order, -1 if there is none. If it had not, 0 and -1.
   */
  readonly isTranslated: boolean;
  readonly untranslatedDestination: LoadedAddress;
  readonly untranslatedDport: number;
  /** Whether it is a reply in a connection: conntrack knows its connection, which the other end opened. */
  readonly isReply: boolean;
}

/** The emulator's record. */
export class DroppedPacket implements Drop {
  cause: DropCause = because('rule');
  isTranslated = false;
  untranslatedDestination = 0;
  untranslatedDport = -1;
  isReply = false;

  set(packet: Packet, cause: DropCause): void {
    const { isTranslated, untranslatedDestination, untranslatedDport } = packet;
    this.cause = cause;
    // An ICMP error is related to the connection of the packet that it quotes, but not part of it.
    this.isReply = packet.ct >= 0 && packet.direction === REPLY && packet.ctinfo === CtInfo.ESTABLISHED;
    this.isTranslated = isTranslated;
    // The packet's own record may still hold those of another packet.
    this.untranslatedDestination = isTranslated ? untranslatedDestination : 0;
    this.untranslatedDport = isTranslated ? untranslatedDport : -1;
  }
}

const BY_REASON = Object.fromEntries(
  Object.keys(REASONS).map((reason) => [reason, Object.freeze({ reason })]),
) as Record<Reason, DropCause>;

/** The cause for a REASON that needs no details. */
export function because(reason: Reason): DropCause {
  return BY_REASON[reason];
}

/** Describes CAUSE: `rules.v4:41 filter DOCKER-USER 2`, `policy of filter FORWARD (rules.v4:15)`, `no route`. */
export function describeCause(cause: DropCause): string {
  const { reason, hook, table, rule, policy, entry } = cause;
  const hookName = hook === undefined ? '' : HOOK_NAMES[hook];
  if (policy !== undefined)
    return `policy of ${table} ${policy.name}${policy.line === 0 ? '' : ` (${policy.file}:${policy.line})`}`;
  const words = reason === 'rule' ? '' : `: ${REASONS[reason]}`;
  if (rule !== undefined) return `${rule.file}:${rule.line} ${table} ${rule.chain} ${rule.number}${words}`;
  if (table !== undefined) return `${table} ${hookName}${words}`;
  return entry === undefined ? REASONS[reason] : `${entry} ${hookName}`;
}

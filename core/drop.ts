/** What dropped a packet: the reason, and where rules did it, which one. */
import { HOOK_NAMES, type Hook, type TableName } from './hooks.js';
import type { Packet } from './packet.js';
import { REASONS, type Reason } from './reasons.js';
import type { Chain, Rule } from './rules/model.js';

/** Why packets were dropped. The same object stands for all packets that were dropped by the same thing. */
export interface DropCause {
  readonly reason: Reason;
  /** Where the table was that dropped it, or the entry. */
  readonly hook?: Hook;
  /** The table whose rule or policy it was. */
  readonly table?: TableName;
  readonly rule?: Rule;
  /** The chain whose policy it was. */
  readonly policy?: Chain;
  /** Of an entry that somebody added to the hooks: its name. */
  readonly entry?: string;
}

/** A packet that was dropped; the emulator has one record, reused for every packet. */
export interface Drop {
  readonly cause: DropCause;
  /** DNAT has changed the packet's destination; this is what it was (as loaded, and in host order; -1: no port). */
  readonly isTranslated: boolean;
  readonly untranslatedDestination: number;
  readonly untranslatedDport: number;
}

/** The emulator's record. */
export class DroppedPacket implements Drop {
  cause: DropCause = because('rule');
  isTranslated = false;
  untranslatedDestination = 0;
  untranslatedDport = -1;

  set({ isTranslated, untranslatedDestination, untranslatedDport }: Packet, cause: DropCause): void {
    this.cause = cause;
    this.isTranslated = isTranslated;
    this.untranslatedDestination = untranslatedDestination;
    this.untranslatedDport = untranslatedDport;
  }
}

const BY_REASON = Object.fromEntries(
  Object.keys(REASONS).map((reason) => [reason, Object.freeze({ reason })]),
) as Record<Reason, DropCause>;

/** The cause where REASON says it all. */
export function because(reason: Reason): DropCause {
  return BY_REASON[reason];
}

/** CAUSE in a few words: `rules.v4:41 filter DOCKER-USER 2`, `policy of filter FORWARD (rules.v4:15)`, `no route`. */
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

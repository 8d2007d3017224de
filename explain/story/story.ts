/**
 * The story of one packet: all that happened to it in the host, and what the host did because of it. Everything that
 * explains a packet (text, JSON, comments in captures, comparisons) is made of stories.
 */
import type { DropCause } from '../../core/drop.js';
import type {
  ChangedEvent,
  DroppedEvent,
  ExpiredEvent,
  FailedTest,
  FragmentEvent,
  IdleEvent,
  LeftEvent,
  LoggedEvent,
  PacketFields,
  RoutedEvent,
  TimedOutEvent,
  TrackedEvent,
  TranslatedEvent,
  UncertainEvent,
} from '../../core/events.js';
import type { HookName, TableName } from '../../core/hooks.js';
import type { LinkSkip } from '../../core/link/locate-ip.js';
import type { Reason } from '../../core/reasons.js';
import type { Chain, Rule } from '../../core/rules/model.js';
import type { UncertainCause } from '../../core/uncertainty.js';

/**
 * What became of a packet. forwarded: it left by an interface. sent: it left as the host's own. delivered: it reached
 * the host itself. dropped: silently. rejected: with a notification to its sender. held: it is a fragment that waits.
 * skipped: the host does not follow it.
 */
export type Verdict = 'forwarded' | 'sent' | 'delivered' | 'dropped' | 'rejected' | 'held' | 'skipped';

/**
 * What decided about a packet. Of one that was let through, the rule or policy that ended its last filter hook; 'none':
 * there was no such table. 'host': no rule did, but the host itself, for a reason. 'entry': a hook entry of somebody
 * else. 'link': the frame has no packet for the host.
 */
export type Decider =
  | RuleDecider
  | PolicyDecider
  | { readonly kind: 'host'; readonly reason: Reason; readonly hook?: HookName; readonly table?: TableName }
  | { readonly kind: 'entry'; readonly hook?: HookName; readonly entry: string }
  | { readonly kind: 'link'; readonly skip: LinkSkip }
  | { readonly kind: 'none' };

export interface RuleDecider {
  readonly kind: 'rule';
  readonly hook: HookName;
  readonly table: TableName;
  readonly rule: Rule;
  /** Why it dropped the packet, if its target is not what did. */
  readonly reason?: Exclude<Reason, 'rule'>;
}

export interface PolicyDecider {
  readonly kind: 'policy';
  readonly hook: HookName;
  readonly table: TableName;
  readonly chain: Chain;
}

/** What a rule did besides its verdict, or what NAT did because of it. */
export type RuleEffect = ChangedEvent | TranslatedEvent | LoggedEvent;

/** A rule was tried. */
export interface RuleStep {
  readonly kind: 'rule';
  readonly table: TableName;
  readonly rule: Rule;
  /** How many chains were entered to come to it: 0 in a built-in chain. */
  readonly level: number;
  readonly isMatched: boolean;
  /** Why it did not match, and what is not known of the rest (`RuleEvent`). Empty if it did. */
  readonly failures: readonly FailedTest[];
  readonly unknown: number;
  /** The packet's header is malformed: it was dropped here. */
  readonly isHotdrop: boolean;
  readonly effects: readonly RuleEffect[];
}

/** The policy of a built-in chain decided. */
export interface PolicyStep {
  readonly kind: 'policy';
  readonly table: TableName;
  readonly chain: Chain;
}

/** The host sent an answer, or there is a copy: a story of its own. */
export interface RelatedStep {
  readonly kind: 'related';
  readonly story: Story;
}

/** `translated` only where no rule did it: by the binding of the packet's connection. */
export type Step =
  | RuleStep
  | PolicyStep
  | TimedOutEvent
  | TrackedEvent
  | RoutedEvent
  | TranslatedEvent
  | FragmentEvent
  | ChangedEvent
  | LoggedEvent
  | RelatedStep
  | UncertainEvent
  | ExpiredEvent
  | IdleEvent
  | DroppedEvent
  | LeftEvent;

/** One hook on the packet's way, with what comes behind it until the next one. */
export interface Stage {
  /** Undefined: before the first hook. */
  readonly hook: HookName | undefined;
  /** As it entered the hook. */
  readonly packet: PacketFields | undefined;
  readonly steps: readonly Step[];
}

export interface Story {
  /** frame: it was received, or the host sends it. The others are because of another packet. */
  readonly origin: 'frame' | 'answer' | 'copy' | 'broadcast' | 'loopback';
  /** The interface that it arrived on; undefined: it is the host's own. */
  readonly inDev: string | undefined;
  readonly tsSec: number;
  readonly tsNsec: number;
  /** As it arrived, or as the host made it. Undefined: no packet of IPv4, or malformed. */
  readonly packet: PacketFields | undefined;
  readonly stages: readonly Stage[];
  readonly verdict: Verdict;
  readonly decider: Decider;
  /** Of a dropped or rejected packet. */
  readonly drop: DropCause | undefined;
  /** Where it left, or reached the host. */
  readonly left: LeftEvent | undefined;
  /** What conntrack said of it first. */
  readonly tracked: TrackedEvent | undefined;
  /** All translations, in order. */
  readonly translations: readonly TranslatedEvent[];
  /** Answers and copies, in order. */
  readonly related: readonly Story[];
  /** What makes it uncertain. Empty: nothing. */
  readonly uncertain: readonly UncertainCause[];
}

/** All steps of STORY, in order. */
export function stepsOf({ stages }: Story): Step[] {
  return stages.flatMap(({ steps }) => steps);
}

/** The rules that were tried, in order. */
export function rulesTried(story: Story): RuleStep[] {
  return stepsOf(story).filter((step) => step.kind === 'rule');
}

/** Whether the packet was let through: forwarded, sent or delivered. */
export function isAccepted({ verdict }: Pick<Story, 'verdict'>): boolean {
  return verdict === 'forwarded' || verdict === 'sent' || verdict === 'delivered';
}

/**
 * What happened to a frame. FORWARDED: it left by an interface. SENT: it left as the host's own packet. DELIVERED: it
 * reached the host itself. DROPPED: silently; REJECTED: with a notification to its sender. HELD: a fragment waiting for
 * the rest of its packet. SKIPPED: it had no packet for the host.
 */
export const Outcome = { FORWARDED: 0, SENT: 1, DELIVERED: 2, DROPPED: 3, REJECTED: 4, HELD: 5, SKIPPED: 6 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** What summaries and explanations call them. */
export const OUTCOME_NAMES = {
  [Outcome.FORWARDED]: 'forwarded',
  [Outcome.SENT]: 'sent',
  [Outcome.DELIVERED]: 'delivered',
  [Outcome.DROPPED]: 'dropped',
  [Outcome.REJECTED]: 'rejected',
  [Outcome.HELD]: 'held',
  [Outcome.SKIPPED]: 'skipped',
} as const satisfies Record<Outcome, string>;

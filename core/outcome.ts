/**
 * What became of a frame that went in. FORWARDED, SENT: it left by an interface, the latter as the host's own. DELIVERED: it reached the
 * host itself. DROPPED in silence, or REJECTED: its sender was told. HELD: a fragment that waits for the rest of its packet.
 * SKIPPED: it held no packet for the host, which has not seen it.
 */
export const Outcome = { FORWARDED: 0, SENT: 1, DELIVERED: 2, DROPPED: 3, REJECTED: 4, HELD: 5, SKIPPED: 6 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

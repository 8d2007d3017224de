/** What became of a frame that went in. SKIPPED: it held no packet for the host, which has not seen it. */
export const Outcome = { FORWARDED: 0, LOCAL: 1, DROPPED: 2, REJECTED: 3, WAITING: 4, SKIPPED: 5 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

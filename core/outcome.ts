/** What became of a packet that went in. */
export const Outcome = { FORWARDED: 0, LOCAL: 1, DROPPED: 2, REJECTED: 3, WAITING: 4 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** What a packet has to do with a connection, as columns have it. */
export interface Membership {
  /** -1: it belongs to none. */
  readonly connection: number;
  readonly direction: number;
}

export const ORIGINAL = 0;
export const REPLY = 1;
/** Neither direction: it is an ICMP error about the connection, or belongs to none. */
export const ERROR = -1;

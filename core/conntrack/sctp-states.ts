/** SCTP as seen from the middle (RFC 9260, section 4): the states of an association, and what each chunk makes of them. */

/** The states (enum sctp_conntrack). */
export const SctpState = {
  NONE: 0,
  CLOSED: 1,
  COOKIE_WAIT: 2,
  COOKIE_ECHOED: 3,
  ESTABLISHED: 4,
  SHUTDOWN_SENT: 5,
  SHUTDOWN_RECD: 6,
  SHUTDOWN_ACK_SENT: 7,
  HEARTBEAT_SENT: 8,
} as const;
export type SctpState = (typeof SctpState)[keyof typeof SctpState];

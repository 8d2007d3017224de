/**
 * TCP as seen from the middle (RFC 9293, section 3.3.2; kernel: tcp_conntracks): the states of a connection, and the
 * state after each segment. A state is named after the endpoint that is furthest on.
 */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_URG } from '../../codecs/layouts.js';
import { cellsOf, named } from './transition-table.js';

/** The states (enum tcp_conntrack). IGNORE, REOPEN and INVALID are results of a segment, no connection is in them. */
export const TcpState = {
  NONE: 0,
  /** The opener's SYN was seen. */
  SYN_SENT: 1,
  /** The answerer's SYN/ACK was seen. */
  SYN_RECV: 2,
  ESTABLISHED: 3,
  /** A FIN was seen. */
  FIN_WAIT: 4,
  /** An ACK followed the FIN. */
  CLOSE_WAIT: 5,
  /** A second FIN was seen. */
  LAST_ACK: 6,
  /** An ACK followed the second FIN. */
  TIME_WAIT: 7,
  /** A RST was seen. */
  CLOSE: 8,
  /** Simultaneous open: a SYN from either side was seen. */
  SYN_SENT2: 9,
  /** The two sides may know more than we do: let the segment pass, remember it, change nothing. */
  IGNORE: 10,
  /** A SYN to a connection that is over: a new one, if the old one ended in a way that permits it; else IGNORE. */
  REOPEN: 11,
  /** No endpoint that is in this state sends that. */
  INVALID: 12,
} as const;
export type TcpState = (typeof TcpState)[keyof typeof TcpState];

/** The states by number, as `conntrack -L` prints them. */
export const STATE_NAMES: readonly string[] = Object.keys(TcpState).slice(0, TcpState.IGNORE);

/** The kinds of segments that move the state. */
export const SegmentKind = { SYN: 0, SYN_ACK: 1, FIN: 2, ACK: 3, RST: 4, OTHER: 5 } as const;
export type SegmentKind = (typeof SegmentKind)[keyof typeof SegmentKind];

export const KIND_BITS = 3;
export const STATE_BITS = 4;

/** Segments of the side that opened the connection. */
const FROM_OPENER = `
               SYN        SYN_ACK   FIN        ACK          RST      OTHER
  NONE         SYN_SENT   INVALID   INVALID    ESTABLISHED  INVALID  INVALID
  SYN_SENT     SYN_SENT   INVALID   INVALID    INVALID      CLOSE    INVALID
  SYN_RECV     IGNORE     SYN_RECV  FIN_WAIT   ESTABLISHED  CLOSE    INVALID
  ESTABLISHED  IGNORE     INVALID   FIN_WAIT   ESTABLISHED  CLOSE    INVALID
  FIN_WAIT     IGNORE     INVALID   LAST_ACK   CLOSE_WAIT   CLOSE    INVALID
  CLOSE_WAIT   IGNORE     INVALID   LAST_ACK   CLOSE_WAIT   CLOSE    INVALID
  LAST_ACK     IGNORE     INVALID   LAST_ACK   TIME_WAIT    CLOSE    INVALID
  TIME_WAIT    REOPEN     INVALID   TIME_WAIT  TIME_WAIT    CLOSE    INVALID
  CLOSE        REOPEN     INVALID   CLOSE      CLOSE        CLOSE    INVALID
  SYN_SENT2    SYN_SENT2  SYN_RECV  INVALID    INVALID      CLOSE    INVALID
`;

/** Segments of the side that answers. */
const FROM_ANSWERER = `
               SYN        SYN_ACK   FIN        ACK          RST      OTHER
  NONE         INVALID    INVALID   INVALID    INVALID      INVALID  INVALID
  SYN_SENT     SYN_SENT2  SYN_RECV  INVALID    IGNORE       CLOSE    INVALID
  SYN_RECV     INVALID    IGNORE    FIN_WAIT   SYN_RECV     CLOSE    INVALID
  ESTABLISHED  INVALID    IGNORE    FIN_WAIT   ESTABLISHED  CLOSE    INVALID
  FIN_WAIT     INVALID    IGNORE    LAST_ACK   CLOSE_WAIT   CLOSE    INVALID
  CLOSE_WAIT   INVALID    IGNORE    LAST_ACK   CLOSE_WAIT   CLOSE    INVALID
  LAST_ACK     INVALID    IGNORE    LAST_ACK   TIME_WAIT    CLOSE    INVALID
  TIME_WAIT    REOPEN     IGNORE    TIME_WAIT  TIME_WAIT    CLOSE    INVALID
  CLOSE        INVALID    IGNORE    CLOSE      CLOSE        CLOSE    INVALID
  SYN_SENT2    SYN_SENT2  SYN_RECV  INVALID    IGNORE       CLOSE    INVALID
`;

/** The state after a segment, at `direction << (KIND_BITS + STATE_BITS) | kind << STATE_BITS | state`. */
export const TRANSITIONS = readTransitions([FROM_OPENER, FROM_ANSWERER]);

/** Flags that may go with any others: PSH, and the two of ECN (RFC 3168). */
const MEANINGFUL = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG;

const VALID_FLAGS = new Set([
  TCP_SYN,
  TCP_SYN | TCP_URG,
  TCP_SYN | TCP_ACK,
  TCP_RST,
  TCP_RST | TCP_ACK,
  TCP_FIN | TCP_ACK,
  TCP_FIN | TCP_ACK | TCP_URG,
  TCP_ACK,
  TCP_ACK | TCP_URG,
]);

/** By the flags byte: 1 where any endpoint sends this combination. */
export const VALID_FLAGS_TABLE = Uint8Array.from({ length: 256 }, (_, flags) =>
  VALID_FLAGS.has(flags & MEANINGFUL) ? 1 : 0,
);

/** Of the tables of the opener and the answerer. */
function readTransitions(tables: readonly string[]): Uint8Array {
  const transitions = new Uint8Array(tables.length << (KIND_BITS + STATE_BITS)).fill(TcpState.INVALID);
  for (const [direction, table] of tables.entries()) {
    for (const [state, kind, next] of cellsOf(table)) {
      const row = (direction << (KIND_BITS + STATE_BITS)) | named(TcpState, state);
      transitions[row | (named(SegmentKind, kind) << STATE_BITS)] = named(TcpState, next);
    }
  }
  return transitions;
}

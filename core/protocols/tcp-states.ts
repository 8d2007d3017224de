/**
 * TCP as seen by a middlebox (RFC 9293, section 3.3.2; kernel: tcp_conntracks): the connection states, and the
 * transition for each segment. States are named after the endpoint that is further along.
 */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_URG } from '../../codecs/layouts.js';
import { cellsOf, named } from './transition-table.js';

/** The states (enum tcp_conntrack). IGNORE, REOPEN and INVALID are only transition results. */
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
  /** The endpoints may know more than conntrack: let the segment pass, remember it, and change nothing. */
  IGNORE: 10,
  /** A SYN on a finished connection: a new connection if the end of the old one allows it; otherwise IGNORE. */
  REOPEN: 11,
  /** No endpoint sends this in this state. */
  INVALID: 12,
} as const;
export type TcpState = (typeof TcpState)[keyof typeof TcpState];

/** The state names by number, as in `conntrack -L`. */
export const STATE_NAMES: readonly string[] = Object.keys(TcpState).slice(0, TcpState.IGNORE);

/** The kinds of segments that change the state. */
export const SegmentKind = { SYN: 0, SYN_ACK: 1, FIN: 2, ACK: 3, RST: 4, OTHER: 5 } as const;
export type SegmentKind = (typeof SegmentKind)[keyof typeof SegmentKind];

/** What the kernel logs about a segment that it does not follow. Those from SEQ_IS_BELOW on pass all the same. */
export const TcpRemark = {
  NONE: 0,
  NOT_OPENING: 1,
  WRONG_STATE: 2,
  WRONG_RST: 3,
  SEQ_IS_ABOVE: 4,
  ACK_IS_ABOVE: 5,
  SEQ_IS_BELOW: 6,
  ACK_IS_BELOW: 7,
  TOO_MUCH: 8,
  IGNORED: 9,
  CHALLENGE: 10,
} as const;
export type TcpRemark = (typeof TcpRemark)[keyof typeof TcpRemark];

/** Where the kind of the segment and its direction are in the value of a remark about a state. */
export const REMARK_DIRECTION_SHIFT = 8;
export const REMARK_KIND_SHIFT = 16;

export const KIND_BITS = 3;
export const STATE_BITS = 4;

/** Segments from the side that opened the connection. */
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

/** Segments from the side that answers. */
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

/** The state after a segment, indexed by `direction << (KIND_BITS + STATE_BITS) | kind << STATE_BITS | state`. */
export const TRANSITIONS = readTransitions([FROM_OPENER, FROM_ANSWERER]);

/** The flags that must form a valid combination: all except PSH and the two for ECN (RFC 3168). */
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

/** Indexed by the flags byte: 1 for combinations that an endpoint may send. */
export const VALID_FLAGS_TABLE = Uint8Array.from({ length: 256 }, (_, flags) =>
  VALID_FLAGS.has(flags & MEANINGFUL) ? 1 : 0,
);

/** Reads the tables of the opener and the answerer. */
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

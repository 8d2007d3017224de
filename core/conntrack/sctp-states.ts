/** SCTP as seen from the middle (RFC 9260, section 4): the states of an association, and what each chunk makes of them. */
import type { Direction } from '../packet.js';

/** The states (enum sctp_conntrack); INVALID stands in the transitions only. */
export const SctpState = {
  NONE: 0,
  CLOSED: 1,
  COOKIE_WAIT: 2,
  COOKIE_ECHOED: 3,
  ESTABLISHED: 4,
  SHUTDOWN_SENT: 5,
  SHUTDOWN_RECD: 6,
  SHUTDOWN_ACK_SENT: 7,
  /** A further path of an association (multihoming) is probed, which is all that is seen of it. */
  HEARTBEAT_SENT: 8,
  INVALID: 9,
} as const;
export type SctpState = (typeof SctpState)[keyof typeof SctpState];

/** How `conntrack -L` writes the states. */
export const STATE_NAMES: readonly string[] = Object.keys(SctpState).slice(0, SctpState.INVALID);

/** Chunk types (RFC 9260, section 3.2) that conntrack knows. */
export const Chunk = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  SHUTDOWN_COMPLETE: 14,
} as const;

/** The states across, abbreviated; what a chunk makes of each. A chunk that is not listed changes nothing. */
const ABBREVIATIONS: Record<string, SctpState> = {
  no: SctpState.NONE,
  CL: SctpState.CLOSED,
  CW: SctpState.COOKIE_WAIT,
  CE: SctpState.COOKIE_ECHOED,
  ES: SctpState.ESTABLISHED,
  SS: SctpState.SHUTDOWN_SENT,
  SR: SctpState.SHUTDOWN_RECD,
  SA: SctpState.SHUTDOWN_ACK_SENT,
  HS: SctpState.HEARTBEAT_SENT,
  '--': SctpState.INVALID,
};

/** Chunks of the side that opened the association. */
const FROM_OPENER = `
                    no CL CW CE ES SS SR SA HS
  INIT              CL CL CW CE ES CL CL SA CW
  INIT_ACK          CL CL CW CE ES SS SR SA CL
  ABORT             CL CL CL CL CL CL CL CL CL
  SHUTDOWN          CL CL CW CE SS SS SR SA CL
  SHUTDOWN_ACK      SA CL CW CE ES SA SA SA SA
  ERROR             CL CL CW CE ES SS SR SA CL
  COOKIE_ECHO       CL CL CE CE ES SS SR SA CL
  COOKIE_ACK        CL CL CW ES ES SS SR SA CL
  SHUTDOWN_COMPLETE CL CL CW CE ES SS SR CL CL
  HEARTBEAT         HS CL CW CE ES SS SR SA HS
  HEARTBEAT_ACK     CL CL CW CE ES SS SR SA HS
`;

/** Chunks of the side that answers. */
const FROM_ANSWERER = `
                    no CL CW CE ES SS SR SA HS
  INIT              -- CL CW CE ES SS SR SA --
  INIT_ACK          -- CW CW CE ES SS SR SA --
  ABORT             -- CL CL CL CL CL CL CL --
  SHUTDOWN          -- CL CW CE SR SS SR SA --
  SHUTDOWN_ACK      -- CL CW CE ES SA SA SA --
  ERROR             -- CL CW CL ES SS SR SA --
  COOKIE_ECHO       -- CL CE CE ES SS SR SA --
  COOKIE_ACK        -- CL CW ES ES SS SR SA --
  SHUTDOWN_COMPLETE -- CL CW CE ES SS SR CL --
  HEARTBEAT         -- CL CW CE ES SS SR SA HS
  HEARTBEAT_ACK     -- CL CW CE ES SS SR SA ES
`;

const CHUNKS = 16;
const STATES = 9;
const TRANSITIONS = readTransitions([FROM_OPENER, FROM_ANSWERER]);

/** The state after a CHUNK in DIRECTION met STATE. */
export function transition(direction: Direction, chunk: number, state: SctpState): SctpState {
  if (chunk >= CHUNKS) return state;
  return TRANSITIONS[(direction * CHUNKS + chunk) * STATES + state] as SctpState;
}

function readTransitions(tables: readonly string[]): Uint8Array {
  const transitions = Uint8Array.from({ length: tables.length * CHUNKS * STATES }, (_, index) => index % STATES);
  for (const [direction, table] of tables.entries()) {
    const [head, ...rows] = table
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ +/));
    for (const [name, ...results] of rows) {
      const chunk = Chunk[name as keyof typeof Chunk];
      for (const [column, state] of head.entries()) {
        const at = (direction * CHUNKS + chunk) * STATES + ABBREVIATIONS[state];
        transitions[at] = ABBREVIATIONS[results[column]];
      }
    }
  }
  return transitions;
}

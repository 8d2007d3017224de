/**
 * What compiled rules record for a packet: every rule that matched, every policy that decided, and the
 * result of every per-packet test. This determines the path of the connection's next packet.
 *
 * A trace is an Int32Array: the number of events, followed by the events. Events that do not fit are still counted, so
 * that an overflow can be detected (`isWhole`).
 */

/** The kinds of events. An event is `id << 2 | kind`. */
export const TraceKind = {
  /** The rule matched and counted. */
  MATCHED: 0,
  /** The policy decided. */
  POLICY: 1,
  /** The rule's per-packet test failed, or passed. Everything else about the rule matched. */
  FAILED: 2,
  PASSED: 3,
} as const;
export type TraceKind = (typeof TraceKind)[keyof typeof TraceKind];

/**
 * Separates what a packet traverses before and after the routing decision, where its destination is translated and its
 * TTL decremented. Not a rule event.
 */
export const FORWARDED = -1;

const MOST_EVENTS = 1023;

/**
 * Where in a trace the event of what dropped the packet is repeated, because a trace that overflows does not contain
 * it. Written after that event, as the first event that does not fit is written there too.
 */
export const DECISIVE = 1 + MOST_EVENTS;

export type Trace = Int32Array;

export function createTrace(): Trace {
  return new Int32Array(1 + DECISIVE);
}

/** Whether TRACE is complete. */
export function isWhole(trace: Trace): boolean {
  return trace[0] <= MOST_EVENTS;
}

/** Marks TRACE as incomplete, because not every event was recorded. */
export function overfill(trace: Trace): void {
  trace[0] = DECISIVE;
}

export function traceEvent(id: number, kind: TraceKind): number {
  return (id << 2) | kind;
}

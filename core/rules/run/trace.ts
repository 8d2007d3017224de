/**
 * What compiled rules write down while a packet passes: every rule that it matched, every policy that decided, and
 * every question that only the packet itself could answer. From this follows what the connection's next packet will
 * meet.
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
  /** The rule's per-packet question was answered no, or yes. Everything else about the rule matched. */
  ASKED_NO: 2,
  ASKED_YES: 3,
} as const;
export type TraceKind = (typeof TraceKind)[keyof typeof TraceKind];

/**
 * Written between what a packet meets as it arrived and what it meets as it leaves: with its destination translated,
 * and one less in TTL. Not an event of any rule.
 */
export const FORWARDED = -1;

const MOST_EVENTS = 1023;

/**
 * Where in a trace the event of what dropped the packet stands once more, for an overfull trace does not hold it.
 * Written after that event, as the first that does not fit goes there too.
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

export function traceEvent(id: number, kind: TraceKind): number {
  return (id << 2) | kind;
}

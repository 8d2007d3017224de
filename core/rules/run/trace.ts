/**
 * What compiled rules write down while a packet passes: every rule that it matched, every policy that decided, and every
 * question that only the packet itself could answer. From this follows what the connection's next packet will meet.
 *
 * A trace is an Int32Array: how many events, then the events. What does not fit is counted all the same, so that an
 * overfull trace is known for one (`isWhole`).
 */

/** What an event says; it is `id << 2 | kind`. */
export const TraceKind = {
  /** The rule matched and counted. */
  MATCHED: 0,
  /** The policy decided. */
  POLICY: 1,
  /** What the rule asks of the packet itself was answered no, or yes; all else of it fitted. */
  ASKED_NO: 2,
  ASKED_YES: 3,
} as const;
export type TraceKind = (typeof TraceKind)[keyof typeof TraceKind];

/**
 * Written between what a packet meets as it arrived and what it meets as it leaves: with its destination translated, and
 * one less in TTL. Not an event of any rule.
 */
export const FORWARDED = -1;

const MOST_EVENTS = 1023;

/**
 * Where in a trace the event of what dropped the packet stands once more, for an overfull trace does not hold it. Written
 * after that event, as the first that does not fit goes there too.
 */
export const DECISIVE = 1 + MOST_EVENTS;

export type Trace = Int32Array;

export function createTrace(): Trace {
  return new Int32Array(1 + DECISIVE);
}

/** Whether nothing is missing from TRACE. */
export function isWhole(trace: Trace): boolean {
  return trace[0] <= MOST_EVENTS;
}

export function traceEvent(id: number, kind: TraceKind): number {
  return (id << 2) | kind;
}

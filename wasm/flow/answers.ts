// What sets have answered about the packets of connections (core/flow/set-answers.ts).
import { nowMs } from '../conntrack/account';
import { ask } from '../host';
import { SAME_ANSWERS_COUNT, SameAnswers, SetReaders, sameAnswersAt } from '../records';

/** Whether any were remembered. */
let areRemembered = false;

/**
 * Whether the sets that PATH asks, whose SET_READERS are at READERS, answer for the packet at AT as for the first one
 * of the path. ENTRY is its connection; -1 if it has none yet. DESTINATION and DPORT are its destination after
 * translation, as loaded and in host order.
 */
export function hasSameAnswers(
  readers: usize,
  path: i32,
  at: usize,
  entry: i32,
  direction: i32,
  destination: i32,
  dport: i32,
): bool {
  const stamp = changetype<SetReaders>(readers).stamp;
  if (entry < 0) return ask(path, at, entry, direction, destination, dport) >= 0;
  const reference = (entry << 1) | direction;
  const answers = answersOf(reference);
  if (answers.stamp === stamp && answers.reference === reference && nowMs() < answers.untilMs) return true;
  const untilMs = ask(path, at, entry, direction, destination, dport);
  if (untilMs < 0) return false;
  areRemembered = true;
  answers.stamp = stamp;
  answers.untilMs = untilMs;
  answers.reference = reference;
  return true;
}

/** Forgets the answers for DIRECTION of connection ENTRY: it takes another path, or is another connection. */
export function forgetAnswers(entry: i32, direction: i32): void {
  if (areRemembered) answersOf((entry << 1) | direction).stamp = 0;
}

function answersOf(reference: i32): SameAnswers {
  return sameAnswersAt(reference & (SAME_ANSWERS_COUNT - 1));
}

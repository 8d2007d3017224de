// What sets have answered about the packets of connections (core/flow/set-answers.ts).
import { nowMs } from '../conntrack/account';
import { ask } from '../host';
import { SAME_ANSWERS_COUNT, SameAnswers, SetReaders, sameAnswersAt } from '../records';

/** Whether any were remembered. */
let areRemembered = false;
/** What the last packet without a connection was answered, as in SAME_ANSWERS; stamp 0: nothing that can be kept. */
let openingStamp: f64 = 0;
let openingUntilMs: f64 = 0;

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
  if (entry < 0) {
    openingUntilMs = ask(path, at, entry, direction, destination, dport);
    openingStamp = changetype<SetReaders>(readers).isStateless !== 0 ? stamp : 0;
    return openingUntilMs >= 0;
  }
  if (areAnswered(readers, entry, direction)) return true;
  const reference = (entry << 1) | direction;
  const answers = answersOf(reference);
  const untilMs = ask(path, at, entry, direction, destination, dport);
  if (untilMs < 0) return false;
  areRemembered = true;
  answers.stamp = stamp;
  answers.untilMs = untilMs;
  answers.reference = reference;
  return true;
}

/** Whether the answers are remembered that the packets of ENTRY in DIRECTION get from the sets of READERS. */
export function areAnswered(readers: usize, entry: i32, direction: i32): bool {
  const reference = (entry << 1) | direction;
  const answers = answersOf(reference);
  return (
    answers.stamp === changetype<SetReaders>(readers).stamp &&
    answers.reference === reference &&
    nowMs() < answers.untilMs
  );
}

/** No set was asked about the packet that opens a connection. */
export function startOpening(): void {
  openingStamp = 0;
}

/** The packet has opened ENTRY: its answers hold for the later ones. */
export function keepOpeningAnswers(entry: i32): void {
  if (openingStamp === 0) return;
  areRemembered = true;
  const reference = entry << 1;
  const answers = answersOf(reference);
  answers.stamp = openingStamp;
  answers.untilMs = openingUntilMs;
  answers.reference = reference;
}

/** Forgets the answers for DIRECTION of connection ENTRY: it has changed, or is another connection. */
export function forgetAnswers(entry: i32, direction: i32): void {
  if (areRemembered) answersOf((entry << 1) | direction).stamp = 0;
}

function answersOf(reference: i32): SameAnswers {
  return sameAnswersAt(reference & (SAME_ANSWERS_COUNT - 1));
}

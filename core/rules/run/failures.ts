/** Which tests of a rule a packet fails: for people, so only worked out where somebody observes. */
import type { FailedTest } from '../../events.js';
import { ABSENT, type FieldName, readField } from '../../fields.js';
import type { Packet } from '../../packet.js';
import { type ExpectedTexts, explainMisses } from '../condition.js';
import type { RuleContext } from '../context.js';
import { checkStep, explainStep, isAskable, isCondition, lookupOf, missesOf, type Step } from '../lower.js';

/** What is known of a rule that a packet missed. */
export interface RuleFailures {
  /** In the order of the tests, the one that decided first. */
  readonly failures: readonly FailedTest[];
  /** How many tests behind it are not known: earlier packets or chance decide about them. */
  readonly unknown: number;
}

/** Fields that only packets of one protocol have at their offset: read from another, they are something else. */
const OF_ONE_PROTOCOL: ReadonlySet<FieldName> = new Set([
  ...(['tcpFlags', 'icmpType', 'dccpType', 'ahSpi', 'espSpi', 'ipcompCpi'] as const),
]);

/** Where the tests of a rule are from. */
export interface TestOrigins {
  /** Which match each step is from (`matchesOfSteps`). */
  readonly matches: readonly (number | undefined)[];
  readonly texts: ExpectedTexts;
}

/** Which of the STEPS of a rule PACKET fails: number FIRST, and those behind it. Changes nothing but the texts. */
export function failuresOf(
  steps: readonly Step[],
  { matches, texts }: TestOrigins,
  first: number,
  packet: Packet,
  context: RuleContext,
): RuleFailures {
  const failures: FailedTest[] = [];
  let unknown = 0;
  // Whether the header that later tests read is that of another protocol, or is cut short.
  let isHeaderMissing = false;
  for (let at = first; at < steps.length; at++) {
    const step = steps[at];
    const isKnown = !(isHeaderMissing && isOfOneProtocol(step));
    const holds = at === first ? false : isKnown ? wouldHold(step, packet, context) : undefined;
    if (holds === undefined) unknown++;
    if (holds !== false) continue;
    if (step.kind === 'header' || (step.kind === 'field' && step.field === 'protocol')) isHeaderMissing = true;
    failures.push(failedTest(step, { match: matches[at], texts }, packet, context));
  }
  return { failures, unknown };
}

function failedTest(
  step: Step,
  { match, texts }: { match: number | undefined; texts: ExpectedTexts },
  packet: Packet,
  context: RuleContext,
): FailedTest {
  const misses = missesOf(step, packet, context, texts);
  const value = step.kind === 'field' ? readField(step.field, packet, context) : ABSENT;
  const test: { -readonly [Name in keyof FailedTest]: FailedTest[Name] } = {
    text: misses.length === 0 ? explainStep(step, packet, context) : explainMisses(misses),
  };
  if (match !== undefined) test.match = match;
  if (step.kind === 'field') test.field = step.field;
  if (value !== ABSENT) test.value = value;
  if (misses.length > 0) test.misses = misses;
  return test;
}

function isOfOneProtocol(step: Step): boolean {
  return step.kind === 'native' || (step.kind === 'field' && OF_ONE_PROTOCOL.has(step.field));
}

/** Whether PACKET passes STEP, asked out of turn; undefined if only asking in turn would tell. */
function wouldHold(step: Step, packet: Packet, context: RuleContext): boolean | undefined {
  if (isCondition(step)) return checkStep(step, packet, context);
  const { hotdrop, mark } = packet;
  try {
    if (step.kind === 'header') return checkStep(step, packet, context);
    const lookup = lookupOf(step);
    if (lookup !== undefined) return isAskable(lookup) ? lookup.answer(packet) : undefined;
    const { check, reads } = step.native;
    if (check === undefined || reads.some((name) => name === 'history' || name === 'unknown')) return undefined;
    return check.call(step.native, packet, context);
  } finally {
    packet.hotdrop = hotdrop;
    packet.mark = mark;
  }
}

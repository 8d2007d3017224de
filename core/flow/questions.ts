/**
 * What a path wants to know of each packet that is to take it, written down for wasm/flow/questions.ts: a list of
 * tests, with the answer that its first packet gave behind the tests of each rule. Rules that only look at the header
 * come first, as asking them leaves no mark; then the others, in the order in which the packet came to them.
 */
import { type FieldPlace, fieldRow, highestValue } from '../fields.js';
import type { Memory } from '../memory.js';
import { type Condition, type FieldCondition, holdsFor } from '../rules/condition.js';
import { isCondition, runningState, type Step } from '../rules/lower.js';
import type { ValueRange } from '../rules/ranges.js';
import type { Asked } from '../rules/run/interpret.js';
import { FIELD_TEST } from './records.js';

/** What RULE asks, and the answer that the first packet of a path gave. */
export interface Question {
  readonly asked: Asked;
  readonly answer: boolean;
  /** It is asked behind the routing decision: the destination translated, one less in TTL. */
  readonly isForwarded: boolean;
}

/** What a FIELD_TEST (records.ts) does. */
export const TestOp = {
  /** The list is at its end. */
  END: 0,
  /** All tests of a rule are done: is what they say what it was (MIN: 1, or 0)? */
  ANSWER: 1,
  /** A field is in its range. */
  FIELD: 2,
  /** The state at MIN says yes. */
  STATE: 3,
  /** Ask JavaScript whether question MIN is answered as it was. */
  ASK: 4,
} as const;

/** Writes QUESTIONS into MEMORY: where. */
export function writeQuestions(memory: Memory, questions: readonly Question[]): number {
  const lists = questions.map(testsOf);
  const isPure = (list: readonly Test[] | undefined): boolean => list?.every(({ op }) => op === TestOp.FIELD) ?? false;
  const order = [...questions.keys()].sort((a, b) => Number(isPure(lists[b])) - Number(isPure(lists[a])) || a - b);
  const tests: Test[] = [];
  for (const index of order) {
    const list = lists[index];
    if (list === undefined) tests.push({ op: TestOp.ASK, min: index });
    else tests.push(...list, { op: TestOp.ANSWER, min: questions[index].answer ? 1 : 0 });
  }
  tests.push({ op: TestOp.END, min: 0 });
  const written = memory.allocateRecords(FIELD_TEST, tests.length);
  for (const [index, test] of tests.entries()) {
    const { op, min, base = 0, fieldAt = 0, surplus = 0, mask = 0, more = 0, negated = 0 } = test;
    written.assign(index, { op, base, fieldAt, surplus, mask, min, more, negated });
  }
  return written.start;
}

interface Test {
  readonly op: number;
  readonly base?: number;
  readonly fieldAt?: number;
  readonly surplus?: number;
  readonly mask?: number;
  readonly min: number;
  readonly more?: number;
  readonly negated?: number;
}

/** No packet passes it. */
const NEVER: Test = { op: TestOp.FIELD, base: 0, fieldAt: 0, mask: 0, min: 1, more: 0 };

/** The tests of a question; undefined where it takes more than these. */
function testsOf({ asked, isForwarded }: Question): readonly Test[] | undefined {
  const tests: Test[] = [];
  for (const step of asked.steps) {
    const ofStep = testsOfStep(step, isForwarded);
    if (ofStep === undefined) return undefined;
    tests.push(...ofStep);
  }
  return tests;
}

function testsOfStep(step: Step, isForwarded: boolean): readonly Test[] | undefined {
  if (isCondition(step)) return testsOfCondition(step, isForwarded);
  // The header of what is on the fast path is whole.
  if (step.kind === 'header') return [];
  if (step.native.check !== undefined) return undefined;
  const { at } = runningState(step);
  return at === undefined ? undefined : [{ op: TestOp.STATE, min: at }];
}

/** Tests that all have to hold: a negated condition is one for each of its ranges, another can have but one. */
function testsOfCondition(condition: Condition, isForwarded: boolean): readonly Test[] | undefined {
  if (condition.kind === 'any') return undefined;
  const row = fieldRow(condition.field);
  const place = (isForwarded ? row.afterRouting : undefined) ?? row.onArrival;
  if (place === undefined) return undefined;
  if ('constant' in place) return holdsFor(condition, place.constant) ? [] : [NEVER];
  const { ranges, negated } = condition;
  if (ranges.length === 0) return negated ? [] : [NEVER];
  if (ranges.length > 1 && !negated) return undefined;
  return ranges.map((range) => fieldTest(condition, range, place, row.bits));
}

function fieldTest(
  { field, mask, negated }: FieldCondition,
  { min, max }: ValueRange,
  { base, at, surplus = 0 }: Exclude<FieldPlace, { readonly constant: number }>,
  bits: number,
): Test {
  const shift = 32 - bits;
  return {
    op: TestOp.FIELD,
    base,
    fieldAt: at,
    surplus: surplus << shift,
    mask: (mask ?? highestValue(field)) << shift,
    min: min << shift,
    more: (max - min) << shift,
    negated: negated ? 1 : 0,
  };
}

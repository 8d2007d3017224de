/**
 * The checks of a path: the per-packet tests of its rules must have the same results for each packet that takes the
 * path as for its first packet. They are written in a form for wasm/flow/path-checks.ts: a list of tests, with the
 * first packet's result after the tests of each rule. Rules that only look at headers come first, as they have no side
 * effects. The others follow in traversal order.
 */
import { FieldBase, type FieldPlace, fieldRow, highestValue } from '../fields.js';
import type { Memory } from '../memory.js';
import { type Condition, type FieldCondition, holdsFor } from '../rules/condition.js';
import { isCondition, runningState, type Step } from '../rules/lower.js';
import type { ValueRange } from '../rules/ranges.js';
import type { PerPacketTest } from '../rules/run/interpret.js';
import { FIELD_TEST } from './records.js';

/** The per-packet test of a rule, and its result for the first packet of a path. */
export interface PathCheck {
  readonly test: PerPacketTest;
  readonly result: boolean;
  /** It is run after the routing decision: with the destination translated and the TTL decremented. */
  readonly isAfterRouting: boolean;
}

/** The operation of a FIELD_TEST (records.ts). */
export const TestOp = {
  /** The end of the list. */
  END: 0,
  /** All tests of a rule are done: compare the result with the expected one (MIN: 1 or 0). */
  RESULT: 1,
  /** A field is within its range. */
  FIELD: 2,
  /** The state at MIN matches. BASE: whether the destination that it sees is translated. */
  STATE: 3,
  /** Call JavaScript, which runs check MIN. */
  CALL: 4,
} as const;

/** Writes CHECKS to MEMORY and returns their address. */
export function writeChecks(memory: Memory, checks: readonly PathCheck[]): number {
  const lists = checks.map(testsOf);
  const isPure = (list: readonly Test[] | undefined): boolean => list?.every(({ op }) => op === TestOp.FIELD) ?? false;
  const order = [...checks.keys()].sort((a, b) => Number(isPure(lists[b])) - Number(isPure(lists[a])) || a - b);
  const tests: Test[] = [];
  for (const index of order) {
    const list = lists[index];
    if (list === undefined) tests.push({ op: TestOp.CALL, min: index });
    else tests.push(...list, { op: TestOp.RESULT, min: checks[index].result ? 1 : 0 });
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

/** Fails for every packet. */
const NEVER: Test = { op: TestOp.FIELD, base: 0, fieldAt: 0, mask: 0, min: 1, more: 0 };

/** The tests of a check; undefined if these are not sufficient. */
function testsOf({ test, isAfterRouting }: PathCheck): readonly Test[] | undefined {
  const tests: Test[] = [];
  for (const step of test.steps) {
    const ofStep = testsOfStep(step, isAfterRouting);
    if (ofStep === undefined) return undefined;
    tests.push(...ofStep);
  }
  return tests;
}

function testsOfStep(step: Step, isAfterRouting: boolean): readonly Test[] | undefined {
  if (isCondition(step)) return testsOfCondition(step, isAfterRouting);
  // Packets on the fast path have complete headers.
  if (step.kind === 'header') return [];
  if (step.native.check !== undefined) return undefined;
  const { at } = runningState(step);
  const base = isAfterRouting ? FieldBase.TRANSLATED : FieldBase.IP;
  return at === undefined ? undefined : [{ op: TestOp.STATE, base, min: at }];
}

/** Tests that must all hold: one for each range of a negated condition; any other condition may only have one. */
function testsOfCondition(condition: Condition, isAfterRouting: boolean): readonly Test[] | undefined {
  if (condition.kind === 'any') return undefined;
  const row = fieldRow(condition.field);
  const place = (isAfterRouting ? row.afterRouting : undefined) ?? row.onArrival;
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

/**
 * The checks of a path: the per-packet tests of its rules must have the same results for each packet that takes the
 * path as for its first packet. They are written in a form for wasm/flow/path-checks.ts: a list of tests, with the
 * first packet's result after the tests of each rule. Rules that only look at headers come first, then lookups in sets,
 * as they have no side effects. The others follow in traversal order.
 */
import { FieldBase, type FieldPlace, fieldRow, highestValue, isFixed } from '../fields.js';
import type { MemoryArena } from '../memory-arena.js';
import { type Condition, type FieldCondition, holdsFor } from '../rules/condition.js';
import { isAskable, isCondition, lookupOf, readsOnly, runningState, type Step } from '../rules/lower.js';
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
  /** Unless a test before has failed, call JavaScript, which runs check MIN. MORE: the expected result, 1 or 0. */
  CALL: 4,
  /** The sets answer as for the first packet. MIN: the address of the path's SET_READERS. */
  ASK: 5,
} as const;

/**
 * Whether CHECK only looks packets up in sets, with the same answers for all packets of a connection until a set
 * changes.
 */
export function asksSets({ test }: PathCheck): boolean {
  return test.steps.some(isLookup) && test.steps.every((step) => isLookup(step) || readsOnly(step, isFixed));
}

/** The names of the sets that CHECKS ask. */
export function setsOf(checks: readonly PathCheck[]): ReadonlySet<string> {
  return new Set(
    checks
      .flatMap(({ test }) => test.steps.map(lookupOf).filter((lookup) => lookup !== undefined))
      .map(({ set }) => set),
  );
}

/** Whether STEP looks packets up in a set, which always answers the same until it changes. */
function isLookup(step: Step): boolean {
  const lookup = lookupOf(step);
  return lookup !== undefined && isAskable(lookup);
}

/**
 * Writes CHECKS to ARENA and returns their address. READERS is that of the SET_READERS if any of them asks sets.
 */
export function writeChecks(arena: MemoryArena, checks: readonly PathCheck[], readers: number): number {
  const lists = checks.map(testsOf);
  const isPure = (list: readonly Test[]): boolean => list.every(({ op }) => op === TestOp.FIELD);
  const asking = checks.map(asksSets);
  const pure = [...checks.keys()].filter((index) => !asking[index] && isPure(lists[index]));
  const others = [...checks.keys()].filter((index) => !asking[index] && !isPure(lists[index]));
  const testsAt = (index: number): readonly Test[] => {
    const result = checks[index].result ? 1 : 0;
    const list = lists[index];
    const last = list.at(-1);
    if (last?.op === TestOp.CALL) return [...list.slice(0, -1), { op: TestOp.CALL, min: index, more: result }];
    return [...list, { op: TestOp.RESULT, min: result }];
  };
  const tests = pure.flatMap(testsAt);
  if (asking.includes(true)) tests.push({ op: TestOp.ASK, min: readers });
  tests.push(...others.flatMap(testsAt));
  tests.push({ op: TestOp.END, min: 0 });
  const written = arena.allocateRecords(FIELD_TEST, tests.length);
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

/**
 * The tests of a check. If these are not sufficient, they are those of its first steps that only look at headers, and a
 * CALL.
 */
function testsOf({ test, isAfterRouting }: PathCheck): readonly Test[] {
  const tests: Test[] = [];
  for (const step of test.steps) {
    const ofStep = testsOfStep(step, isAfterRouting);
    if (ofStep === undefined) {
      const state = tests.findIndex(({ op }) => op !== TestOp.FIELD);
      return [...(state < 0 ? tests : tests.slice(0, state)), { op: TestOp.CALL, min: 0 }];
    }
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

/**
 * What a path wants to know of each packet that is to take it, written down for wasm/flow/questions.ts: a list of tests, with the
 * answer that its first packet gave behind the tests of each rule. Rules that only look at the header come first, as asking them
 * leaves no mark; then the others, in the order in which the packet came to them.
 */
import type { Memory } from '../memory.js';
import type { FieldTest } from '../rules/extension.js';
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

export const TestField = {
  TOS: 0,
  TTL: 1,
  LATER_TTL: 2,
  LENGTH: 3,
  TCP_FLAGS: 4,
  SPORT: 5,
  DPORT: 6,
  LATER_DPORT: 7,
} as const;

const ALL_BITS = -1;

/** Writes QUESTIONS into MEMORY: where. */
export function writeQuestions(memory: Memory, questions: readonly Question[]): number {
  const lists = questions.map(testsOf);
  const isPure = (list: readonly Test[] | undefined): boolean =>
    list?.every(({ op }) => op[0] === TestOp.FIELD) ?? false;
  const order = [...questions.keys()].sort((a, b) => Number(isPure(lists[b])) - Number(isPure(lists[a])) || a - b);
  const tests: Test[] = [];
  for (const index of order) {
    const list = lists[index];
    if (list === undefined) tests.push({ op: [TestOp.ASK], min: index });
    else tests.push(...list, { op: [TestOp.ANSWER], min: questions[index].answer ? 1 : 0 });
  }
  tests.push({ op: [TestOp.END], min: 0 });
  const written = memory.allocateRecords(FIELD_TEST, tests.length);
  for (const [index, { op, mask, min, max }] of tests.entries()) {
    const word = op[0] | ((op[1] ?? 0) << 8) | ((op[2] ?? 0) << 16);
    written.assign(index, { op: word, mask: mask ?? ALL_BITS, min, max: max ?? 0 });
  }
  return written.start;
}

interface Test {
  /** The op, and of a field which, and 1 where it is negated. */
  readonly op: readonly [op: number, field?: number, negated?: number];
  readonly mask?: number | undefined;
  readonly min: number;
  readonly max?: number;
}

/** The tests of a question; undefined where it takes more than these. */
function testsOf({ asked, isForwarded }: Question): readonly Test[] | undefined {
  const tests: Test[] = [];
  for (const { extension, params, state } of asked.matches) {
    if (state !== undefined) {
      if (state.at === undefined) return undefined;
      tests.push({ op: [TestOp.STATE], min: state.at });
      continue;
    }
    const fields = extension.tests?.(params);
    if (fields === undefined) return undefined;
    for (const { field, mask, min, max, negated } of fields) {
      tests.push({ op: [TestOp.FIELD, testField(field, isForwarded), negated ? 1 : 0], mask, min, max });
    }
  }
  return tests;
}

function testField(field: FieldTest['field'], isForwarded: boolean): number {
  switch (field) {
    case 'tos':
      return TestField.TOS;
    case 'ttl':
      return isForwarded ? TestField.LATER_TTL : TestField.TTL;
    case 'length':
      return TestField.LENGTH;
    case 'tcpFlags':
      return TestField.TCP_FLAGS;
    case 'sport':
      return TestField.SPORT;
    default:
      return isForwarded ? TestField.LATER_DPORT : TestField.DPORT;
  }
}

// What a path wants to know of each packet that is to take it (core/flow/questions.ts).
import { IPV4_LENGTH, IPV4_TOS_AT, IPV4_TTL_AT, TCP_FLAGS_AT, TestField, TestOp } from '../constants';
import { ask } from '../host';
import { FieldTest, pathsAt } from '../records';
import { predictState } from './match-state';
import { dportOf, sportOf, totalLength } from './packet';

/** Whether PATH is open, without a question, to packets of LENGTH bytes that come in by DEV. */
export function isOpen(path: i32, dev: i32, length: i32): bool {
  const taken = pathsAt(path);
  return taken.tests === 0 && taken.inDev === dev && length <= taken.mtu;
}

/**
 * Whether PATH is open to the packet at AT of LENGTH bytes that comes in by DEV, whose port of destination will be
 * LATER_DPORT. ENTRY is its connection, -1: it has none yet.
 */
export function mayTake(
  path: i32,
  at: usize,
  dev: i32,
  length: i32,
  laterDport: i32,
  entry: i32,
  direction: i32,
): bool {
  const taken = pathsAt(path);
  if (taken.inDev !== dev || length > taken.mtu) return false;
  const tests: usize = taken.tests;
  return tests === 0 || answersAgree(tests, path, at, laterDport, entry, direction);
}

/**
 * Whether the packet at AT, whose port of destination will be LATER_DPORT, answers the questions of PATH as its first
 * one did; its tests begin at FIRST. Of what has no connection yet (ENTRY is -1), JavaScript cannot be asked.
 */
function answersAgree(first: usize, path: i32, at: usize, laterDport: i32, entry: i32, direction: i32): bool {
  let answer = true;
  let test = changetype<FieldTest>(first);
  for (; test.op !== TestOp.END; test = testAfter(test)) {
    const op = test.op;
    switch (op & 0xff) {
      case TestOp.FIELD:
        if (answer) answer = isInRange(test, fieldOf((op >>> 8) & 0xff, at, laterDport)) !== (op >>> 16 !== 0);
        break;
      case TestOp.STATE:
        if (answer) answer = predictState(test.min) !== 0;
        break;
      case TestOp.ANSWER:
        if (answer !== (test.min !== 0)) return false;
        answer = true;
        break;
      default:
        if (entry < 0 || ask(path, test.min, at, entry, direction) === 0) return false;
    }
  }
  return true;
}

function testAfter(test: FieldTest): FieldTest {
  return changetype<FieldTest>(changetype<usize>(test) + FieldTest.BYTES);
}

function isInRange(test: FieldTest, value: i32): bool {
  const masked = value & test.mask;
  return masked >= test.min && masked <= test.max;
}

/** A `TestField` of the packet at AT. */
function fieldOf(field: i32, at: usize, laterDport: i32): i32 {
  switch (field) {
    case TestField.TOS:
      return load<u8>(at, IPV4_TOS_AT);
    case TestField.TTL:
      return load<u8>(at, IPV4_TTL_AT);
    case TestField.LATER_TTL:
      return <i32>load<u8>(at, IPV4_TTL_AT) - 1;
    case TestField.LENGTH:
      return totalLength(at);
    case TestField.TCP_FLAGS:
      return load<u8>(at, IPV4_LENGTH + TCP_FLAGS_AT);
    case TestField.SPORT:
      return sportOf(at);
    case TestField.DPORT:
      return dportOf(at);
    default:
      return laterDport;
  }
}

// What a path wants to know of each packet that is to take it (core/flow/questions.ts).
import {
  IPV4_LENGTH,
  IPV4_TOS_AT,
  IPV4_TTL_AT,
  PATH_IN_DEV_AT,
  PATH_MTU_AT,
  PATH_QUESTIONS_AT,
  TCP_FLAGS_AT,
  TEST_BYTES,
  TEST_MASK,
  TEST_MAX,
  TEST_MIN,
  TestField,
  TestOp,
} from '../constants';
import { ask } from '../host';
import { pathAddress } from './leave';
import { predictState } from './match-state';
import { load16, totalLength } from './packet';

/** Whether PATH is open, without a question, to packets of LENGTH bytes that come in by DEV. */
export function isOpen(path: i32, dev: i32, length: i32): bool {
  const pathAt = pathAddress(path);
  return (
    load<u32>(pathAt, PATH_QUESTIONS_AT) === 0 &&
    load<i32>(pathAt, PATH_IN_DEV_AT) === dev &&
    length <= load<i32>(pathAt, PATH_MTU_AT)
  );
}

/**
 * Whether PATH is open to the packet at AT of LENGTH bytes that comes in by DEV, whose port of destination will be LATER_DPORT.
 * ENTRY is its connection, -1: it has none yet.
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
  const pathAt = pathAddress(path);
  if (load<i32>(pathAt, PATH_IN_DEV_AT) !== dev || length > load<i32>(pathAt, PATH_MTU_AT)) return false;
  const questions: usize = load<u32>(pathAt, PATH_QUESTIONS_AT);
  return questions === 0 || answersAgree(questions, path, at, laterDport, entry, direction);
}

/**
 * Whether the packet at AT, whose port of destination will be LATER_DPORT, answers the questions of PATH, which begin at QUESTIONS,
 * as its first one did. Of what has no connection yet (ENTRY is -1), JavaScript cannot be asked.
 */
function answersAgree(questions: usize, path: i32, at: usize, laterDport: i32, entry: i32, direction: i32): bool {
  let answer = true;
  for (let test = questions; load<i32>(test) !== TestOp.END; test += TEST_BYTES) {
    const op = load<i32>(test);
    switch (op & 0xff) {
      case TestOp.FIELD:
        if (answer) answer = isInRange(test, fieldOf((op >>> 8) & 0xff, at, laterDport)) !== (op >>> 16 !== 0);
        break;
      case TestOp.STATE:
        if (answer) answer = predictState(load<u32>(test, TEST_MIN)) !== 0;
        break;
      case TestOp.ANSWER:
        if (answer !== (load<i32>(test, TEST_MIN) !== 0)) return false;
        answer = true;
        break;
      default:
        if (entry < 0 || ask(path, load<i32>(test, TEST_MIN), at, entry, direction) === 0) return false;
    }
  }
  return true;
}

function isInRange(test: usize, value: i32): bool {
  const masked = value & load<i32>(test, TEST_MASK);
  return masked >= load<i32>(test, TEST_MIN) && masked <= load<i32>(test, TEST_MAX);
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
      return load16(at + IPV4_LENGTH);
    case TestField.DPORT:
      return load16(at + IPV4_LENGTH + 2);
    default:
      return laterDport;
  }
}

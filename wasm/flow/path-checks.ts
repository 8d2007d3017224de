// The checks of a path (core/flow/path-checks.ts).
import {
  FieldBase,
  IPV4_LENGTH,
  IPV4_TTL_AT,
  StateResult,
  TestOp,
  TRANSLATED_ADDRESS_AT,
  TRANSLATED_PORT_AT,
} from '../constants';
import { check } from '../host';
import { FieldTest, matched, pathsAt } from '../records';
import { areAnswered, hasSameAnswers } from './answers';
import { predictState } from './match-state';
import { destinationOf, load32, portsOf, sourceOf, totalLength } from './packet';

/** The translated destination of the current packet, for tests: address and port in network byte order. */
const translated = memory.data(8);

const NOT_SHOWN = -1;

/**
 * Whether PATH accepts packets of LENGTH bytes from DEV, of connection ENTRY in DIRECTION, without further checks:
 * there are none, or only sets whose answers are remembered.
 */
export function isOpen(path: i32, dev: i32, length: i32, entry: i32, direction: i32): bool {
  const taken = pathsAt(path);
  if (taken.inDev !== dev || length > taken.mtu) return false;
  const tests: usize = taken.tests;
  if (tests === 0) return true;
  const first = changetype<FieldTest>(tests);
  return first.op === TestOp.ASK && testAfter(first).op === TestOp.END && areAnswered(first.min, entry, direction);
}

/**
 * Whether PATH accepts the packet at AT of LENGTH bytes, which arrived on DEV and has TRANSLATED_DESTINATION and
 * TRANSLATED_DPORT as its destination after translation. ENTRY is its connection; -1 if it has none yet.
 */
export function mayTake(
  path: i32,
  at: usize,
  dev: i32,
  length: i32,
  translatedDestination: i32,
  translatedDport: i32,
  entry: i32,
  direction: i32,
): bool {
  const taken = pathsAt(path);
  if (taken.inDev !== dev || length > taken.mtu) return false;
  const tests: usize = taken.tests;
  if (tests === 0) return true;
  store<u32>(translated, bswap<u32>(translatedDestination), TRANSLATED_ADDRESS_AT);
  store<u16>(translated, bswap<u16>(<u16>translatedDport), TRANSLATED_PORT_AT);
  return hasSameResults(tests, path, at, entry, direction);
}

/**
 * Whether the checks of PATH have the same results for the packet at AT as for the first packet. Their tests start at
 * FIRST. Without a connection (ENTRY is -1), JavaScript cannot run any but lookups in sets.
 */
function hasSameResults(first: usize, path: i32, at: usize, entry: i32, direction: i32): bool {
  let result = true;
  /** How the packet was shown to the last state; NOT_SHOWN if something else was shown since. */
  let shown = NOT_SHOWN;
  let test = changetype<FieldTest>(first);
  for (; test.op !== TestOp.END; test = testAfter(test)) {
    switch (test.op) {
      case TestOp.FIELD:
        if (result) result = isInRange(test, at);
        break;
      case TestOp.STATE:
        if (result) {
          if (shown !== test.base) {
            shown = test.base;
            show(at, shown === FieldBase.TRANSLATED);
          }
          const said = predictState(test.min);
          // The slow path drops the packet, or makes room.
          if (said > StateResult.MATCH) return false;
          result = said === StateResult.MATCH;
        }
        break;
      case TestOp.RESULT:
        if (result !== (test.min !== 0)) return false;
        result = true;
        break;
      case TestOp.ASK: {
        const destination = load<i32>(translated, TRANSLATED_ADDRESS_AT);
        const dport = <i32>bswap<u16>(load<u16>(translated, TRANSLATED_PORT_AT));
        if (!hasSameAnswers(test.min, path, at, entry, direction, destination, dport)) return false;
        shown = NOT_SHOWN;
        break;
      }
      default:
        // What comes before in the rule has failed: the check has, too.
        if (!result) {
          if (test.more !== 0) return false;
          result = true;
          break;
        }
        if (entry < 0 || check(path, test.min, at, entry, direction) === 0) return false;
        shown = NOT_SHOWN;
    }
  }
  return true;
}

/** Shows the packet at AT to states, with its translated destination if IS_TRANSLATED. */
function show(at: usize, isTranslated: bool): void {
  const packet = matched();
  packet.source = sourceOf(at);
  packet.destination = isTranslated ? load<i32>(translated, TRANSLATED_ADDRESS_AT) : destinationOf(at);
  const ports = portsOf(at);
  const dport = <i32>load<u16>(translated, TRANSLATED_PORT_AT);
  packet.ports = isTranslated ? (ports & 0xffff) | (dport << 16) : ports;
  packet.lacksPorts = 0;
  packet.length = totalLength(at);
  packet.ttl = load<u8>(at, IPV4_TTL_AT);
}

function testAfter(test: FieldTest): FieldTest {
  return changetype<FieldTest>(changetype<usize>(test) + FieldTest.BYTES);
}

/** Whether the packet at AT has a value that passes TEST. */
function isInRange(test: FieldTest, at: usize): bool {
  const value = <u32>load32(baseOf(test.base, at) + <usize>test.fieldAt);
  const masked = (value - <u32>test.surplus) & <u32>test.mask;
  return masked - <u32>test.min <= <u32>test.more !== (test.negated !== 0);
}

function baseOf(base: i32, at: usize): usize {
  if (base === FieldBase.TRANSLATED) return translated;
  return base === FieldBase.LAYER4 ? at + IPV4_LENGTH : at;
}

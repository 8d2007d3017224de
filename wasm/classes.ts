// Classes of packets that are bound to meet the same rules and routes (core/fast/flow-class.ts): what the first packet of a
// connection, and the first answer, may follow without asking.
import {
  CLASS_BYTES,
  CLASS_DESTINATION,
  CLASS_DPORT,
  CLASS_HITS,
  CLASS_IN_DEV,
  CLASS_LATER_DESTINATION,
  CLASS_LATER_DPORT,
  CLASS_PHASE,
  CLASS_PROTOCOL,
  CLASS_SOURCE,
  CLASS_SPORT,
  CLASSES_AT,
  IPV4_LENGTH,
} from './constants';
import { load16, load32 } from './packet';

let classes = 0;

/** So many classes are written down from CLASSES_AT on. */
export function setClasses(count: i32): void {
  classes = count;
}

export function hasClasses(): bool {
  return classes > 0;
}

/**
 * The address of the first class from FROM on that holds the packet at AT, which comes in by DEV in PHASE, and whose destination and
 * its port will be LATER_DESTINATION and LATER_DPORT (host order) once it is translated; 0: none. Of an opening packet no class
 * asks for the latter: what they will be is for its class to say.
 */
export function classFrom(from: usize, at: usize, dev: i32, phase: i32, laterDestination: i32, laterDport: i32): usize {
  const source = load32(at + 12);
  const destination = load32(at + 16);
  const sport = load16(at + IPV4_LENGTH);
  const dport = load16(at + IPV4_LENGTH + 2);
  const protocol: i32 = load<u8>(at, 9);
  const end: usize = CLASSES_AT + <usize>classes * CLASS_BYTES;
  for (let one = from; one < end; one += CLASS_BYTES) {
    if (
      load<i32>(one, CLASS_IN_DEV) === dev &&
      load<i32>(one, CLASS_PROTOCOL) === protocol &&
      load<i32>(one, CLASS_PHASE) === phase &&
      holds(one, CLASS_DPORT, dport) &&
      holds(one, CLASS_DESTINATION, destination) &&
      holds(one, CLASS_SOURCE, source) &&
      holds(one, CLASS_SPORT, sport) &&
      holds(one, CLASS_LATER_DESTINATION, laterDestination) &&
      holds(one, CLASS_LATER_DPORT, laterDport)
    ) {
      return one;
    }
  }
  return 0;
}

/** A packet takes the path of the class ONE. */
export function countHit(one: usize): void {
  store<u32>(one, load<u32>(one, CLASS_HITS) + 1, CLASS_HITS);
}

/** Whether the range of a class at FIELD, its lowest value and how many more there are, holds VALUE. */
function holds(one: usize, field: usize, value: i32): bool {
  return <u32>(value - load<i32>(one + field)) <= load<u32>(one + field, 4);
}

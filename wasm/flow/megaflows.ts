// Classes of packets that are bound to meet the same rules and routes (core/flow/megaflow.ts): what the first packet of a
// connection, and the first answer, may follow without asking.
import {
  CLASS_BYTES,
  CLASS_DESTINATION,
  CLASS_DPORT,
  CLASS_HITS,
  CLASS_IN_DEV,
  CLASS_LATER_DESTINATION,
  CLASS_LATER_DPORT,
  CLASS_PATH,
  CLASS_PHASE,
  CLASS_PROBE,
  CLASS_PROBE_IS_LATER,
  CLASS_PROBE_OUT_DEV,
  CLASS_PROBE_PATHS,
  CLASS_PROBE_STATE,
  CLASS_PROTOCOL,
  CLASS_SOURCE,
  CLASS_SPORT,
  CLASSES_AT,
  CONTROL_AT,
  CONTROL_PENDING_F64,
  CONTROL_PENDING_RESULT_F64,
  IPV4_LENGTH,
} from '../constants';
import { load16, load32 } from './packet';
import { firstMatch, UNSAID } from './probe';

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

/**
 * The path that the packet at AT takes, which comes in by DEV and is of the class ONE; -1: not known. Its destination and port are
 * LATER_DESTINATION and LATER_DPORT once they are translated.
 */
export function pathOfClass(one: usize, at: usize, dev: i32, laterDestination: i32, laterDport: i32): i32 {
  const chain: usize = load<u32>(one, CLASS_PROBE);
  if (chain === 0) return load<i32>(one, CLASS_PATH);
  const isLater = load<i32>(one, CLASS_PROBE_IS_LATER) !== 0;
  const to = isLater ? laterDestination : load32(at + 16);
  const toPort = isLater ? laterDport : load16(at + IPV4_LENGTH + 2);
  const outDev = load<i32>(one, CLASS_PROBE_OUT_DEV);
  const result = firstMatch(chain, at, to, toPort, dev, outDev, load<i32>(one, CLASS_PROBE_STATE));
  if (result === UNSAID) return -1;
  const path = load<i32>(<usize>load<u32>(one, CLASS_PROBE_PATHS) + ((<usize>result) << 2)) - 1;
  if (path < 0) {
    store<f64>(CONTROL_AT, <f64>((one - CLASSES_AT) / CLASS_BYTES + 1), CONTROL_PENDING_F64 << 3);
    store<f64>(CONTROL_AT, <f64>result, CONTROL_PENDING_RESULT_F64 << 3);
  }
  return path;
}

/** The packet in hand takes the path of the class ONE: what another class did not know of it does not matter any more. */
export function countHit(one: usize): void {
  store<f64>(CONTROL_AT, 0, CONTROL_PENDING_F64 << 3);
  store<u32>(one, load<u32>(one, CLASS_HITS) + 1, CLASS_HITS);
}

/** Whether the range of a class at FIELD, its lowest value and how many more there are, holds VALUE. */
function holds(one: usize, field: usize, value: i32): bool {
  return <u32>(value - load<i32>(one + field)) <= load<u32>(one + field, 4);
}

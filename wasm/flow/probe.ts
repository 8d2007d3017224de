// Long chains: which of their rules is the first that a packet matches (core/flow/chain-probe.ts; as core/rules/split-chain.ts).
import {
  DESTINATION,
  DPORT,
  IN_DEV,
  IPV4_LENGTH,
  LAST_WORD,
  OUT_DEV,
  PLACE_WORDS,
  PROBE_ANY_FIELD,
  PROBE_BLOCKS,
  PROBE_DATA_AT,
  PROBE_FIELD,
  PROBE_HEADER_WORDS,
  PROBE_LIST_WORDS,
  PROBE_LISTS,
  PROBE_LOWEST,
  PROBE_OFFSETS,
  PROBE_RULES,
  PROBE_SECOND,
  PROBE_SHIFT,
  PROBE_STARTS,
  PROBE_WORDS_AT,
  PROTOCOL_FIELD,
  RULE_SHIFT,
  SOURCE,
  SPORT,
  STATES,
} from '../constants';
import { load16, load32 } from './packet';

/** It takes more than words to say which rule it is. */
export const UNSAID = -1;

const SIGN: u32 = 0x80000000;

// What the packet in hand has of each field, as RuleWords means it.
let destination = 0;
let source = 0;
let dport = 0;
let sport = 0;
let protocol = 0;
let inDev = 0;
let outDev = 0;

/**
 * The position of the first rule of CHAIN that the packet at AT matches, how many rules there are where it matches none, or UNSAID.
 * Its destination and port are TO and TO_PORT (host order) there, its interfaces DEV and OUT (from 0, -1: none), its state the
 * bit STATE.
 */
export function firstMatch(chain: usize, at: usize, to: i32, toPort: i32, dev: i32, out: i32, state: i32): i32 {
  destination = to;
  dport = toPort;
  source = load32(at + 12);
  sport = load16(at + IPV4_LENGTH);
  protocol = load<u8>(at, 9);
  inDev = dev + 1;
  outDev = out + 1;
  const rules = load<i32>(chain, PROBE_RULES << 2);
  const words: usize = load<u32>(chain, PROBE_WORDS_AT << 2);
  const lists = load<i32>(chain, PROBE_LISTS << 2);
  let best = rules;
  let list = chain + (PROBE_HEADER_WORDS << 2);
  for (let i = 0; i < lists; i++, list += PROBE_LIST_WORDS << 2) {
    const data: usize = load<u32>(list, PROBE_DATA_AT << 2);
    let from: usize = data;
    let end: usize = data + ((<usize>load<u32>(list, PROBE_BLOCKS << 2)) << 2);
    const field = load<i32>(list, PROBE_FIELD << 2);
    if (field !== PROBE_ANY_FIELD) {
      const found = find(list, data, fieldValue(field));
      from = data + ((<usize>load<u32>(found)) << 2);
      end = data + ((<usize>load<u32>(found, 4)) << 2);
    }
    const second = fieldValue(load<i32>(list, PROBE_SECOND << 2));
    for (let place = from; place < end; place += PLACE_WORDS << 2) {
      const position = load<i32>(place);
      if (position >= best) break;
      if (<u32>(second - load<i32>(place, 4)) > load<u32>(place, 8)) continue;
      if (matches(words + ((<usize>position) << (RULE_SHIFT + 2)), state)) {
        best = position;
        break;
      }
    }
  }
  if (best < rules && load<i32>(words + ((<usize>best) << (RULE_SHIFT + 2)), LAST_WORD << 2) !== 0) return UNSAID;
  return best;
}

function matches(rule: usize, state: i32): bool {
  return (
    isWithin(rule, DESTINATION << 2, destination) &&
    isWithin(rule, SOURCE << 2, source) &&
    isWithin(rule, DPORT << 2, dport) &&
    isWithin(rule, SPORT << 2, sport) &&
    isWithin(rule, PROTOCOL_FIELD << 2, protocol) &&
    isWithin(rule, IN_DEV << 2, inDev) &&
    isWithin(rule, OUT_DEV << 2, outDev) &&
    (load<i32>(rule, STATES << 2) & state) !== 0
  );
}

function isWithin(rule: usize, field: usize, value: i32): bool {
  return <u32>(value - load<i32>(rule + field)) <= load<u32>(rule + field, 4);
}

function fieldValue(field: i32): i32 {
  switch (field) {
    case DESTINATION:
      return destination;
    case SOURCE:
      return source;
    case DPORT:
      return dport;
    case SPORT:
      return sport;
    case PROTOCOL_FIELD:
      return protocol;
    case IN_DEV:
      return inDev;
    default:
      return outDev;
  }
}

/** IntervalLists.find: the address of where in DATA the part of VALUE begins; behind it stands where that ends. */
function find(list: usize, data: usize, value: i32): usize {
  const lowest = load<i32>(list, PROBE_LOWEST << 2);
  const offsets = data + ((<usize>load<u32>(list, PROBE_OFFSETS << 2)) << 2);
  const compared = value ^ SIGN;
  if (compared < lowest) return offsets;
  const blocks = load<u32>(list, PROBE_BLOCKS << 2);
  const block = <u32>(compared - lowest) >>> load<u32>(list, PROBE_SHIFT << 2);
  if (block >= blocks) return offsets + ((<usize>load<u32>(data + ((<usize>blocks) << 2))) << 2);
  const blockAt = data + ((<usize>block) << 2);
  let first = load<i32>(blockAt);
  let last = load<i32>(blockAt, 4);
  const starts = data + ((<usize>load<u32>(list, PROBE_STARTS << 2)) << 2);
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (load<i32>(starts + ((<usize>middle) << 2)) <= compared) first = middle;
    else last = middle - 1;
  }
  return offsets + ((<usize>first) << 2);
}

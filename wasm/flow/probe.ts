// Long chains: finds the first rule that a packet matches (core/flow/chain-probe.ts). The algorithm is the same as in
// core/rules/index/chain-index.ts.
import { ENTRY_WORDS, FIELD_WORDS, LAST_WORD, PROBE_ANY_FIELD, RULE_SHIFT, STATES } from '../constants';
import { ProbeChain, ProbeList } from '../records';
import { protocolOf, sourceOf, sportOf } from './packet';

/** The words cannot decide which rule matches. */
export const UNDECIDED = -1;

const SIGN: u32 = 0x80000000;

/** The packet's value for each field that has words in a rule. `firstMatch` sets them all. */
const values = memory.data(STATES << 2);

/**
 * The position of the first rule in the chain at CHAIN_AT that the packet at AT matches, the number of rules if none
 * does, or UNDECIDED. At that point the packet's destination is TO and TO_PORT (host order), its interfaces are DEV and
 * OUT (from 0; -1 if none), and its state is the bit STATE.
 */
export function firstMatch(chainAt: usize, at: usize, to: i32, toPort: i32, dev: i32, out: i32, state: i32): i32 {
  store<i32>(values, to, FIELD_WORDS.destination << 2);
  store<i32>(values, bswap<i32>(sourceOf(at)), FIELD_WORDS.source << 2);
  store<i32>(values, toPort, FIELD_WORDS.dport << 2);
  store<i32>(values, sportOf(at), FIELD_WORDS.sport << 2);
  store<i32>(values, protocolOf(at), FIELD_WORDS.protocol << 2);
  store<i32>(values, dev + 1, FIELD_WORDS.inDev << 2);
  store<i32>(values, out + 1, FIELD_WORDS.outDev << 2);
  const chain = changetype<ProbeChain>(chainAt);
  const rules = chain.rules;
  const words: usize = chain.ruleWords;
  const lists = chain.lists;
  let best = rules;
  let listAt: usize = chain.listsAt;
  for (let i = 0; i < lists; i++, listAt += ProbeList.BYTES) {
    const list = changetype<ProbeList>(listAt);
    const data: usize = list.data;
    let from: usize = data;
    let end: usize = data + ((<usize>list.blocks) << 2);
    const field = list.field;
    if (field !== PROBE_ANY_FIELD) {
      const found = find(list, data, fieldValue(field));
      from = data + ((<usize>load<u32>(found)) << 2);
      end = data + ((<usize>load<u32>(found, 4)) << 2);
    }
    const second = fieldValue(list.second);
    for (let entry = from; entry < end; entry += ENTRY_WORDS << 2) {
      const position = load<i32>(entry);
      if (position >= best) break;
      if (<u32>(second - load<i32>(entry, 4)) > load<u32>(entry, 8)) continue;
      if (matches(words + ((<usize>position) << (RULE_SHIFT + 2)), state)) {
        best = position;
        break;
      }
    }
  }
  if (best < rules && load<i32>(words + ((<usize>best) << (RULE_SHIFT + 2)), LAST_WORD << 2) !== 0) return UNDECIDED;
  return best;
}

function matches(rule: usize, state: i32): bool {
  for (let field: usize = 0; field < <usize>(STATES << 2); field += 8) {
    if (<u32>(load<i32>(values + field) - load<i32>(rule + field)) > load<u32>(rule + field, 4)) return false;
  }
  return (load<i32>(rule, STATES << 2) & state) !== 0;
}

/** The value of the field whose first word is FIELD. */
function fieldValue(field: i32): i32 {
  return load<i32>(values + ((<usize>field) << 2));
}

/**
 * IntervalLists.find: the address of the offset in DATA where the part for VALUE starts. The next word is the offset of
 * its end.
 */
function find(list: ProbeList, data: usize, value: i32): usize {
  const lowest = list.lowest;
  const offsets = data + ((<usize>list.offsetsAt) << 2);
  const compared = value ^ SIGN;
  if (compared < lowest) return offsets;
  const blocks = list.blocks;
  const block = <u32>(compared - lowest) >>> list.shift;
  if (block >= blocks) return offsets + ((<usize>load<u32>(data + ((<usize>blocks) << 2))) << 2);
  const blockAt = data + ((<usize>block) << 2);
  let first = load<i32>(blockAt);
  let last = load<i32>(blockAt, 4);
  const starts = data + ((<usize>list.startsAt) << 2);
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (load<i32>(starts + ((<usize>middle) << 2)) <= compared) first = middle;
    else last = middle - 1;
  }
  return offsets + ((<usize>first) << 2);
}

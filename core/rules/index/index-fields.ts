/** Chooses the field under which each rule of a long chain is listed, and builds the lists of each field. */

import {
  type CutRanges,
  cutValues,
  ENTRY_WORDS,
  IntervalLists,
  keepRanges,
  type ListedRanges,
  type WriteEntry,
} from './interval-lists.js';
import { DESTINATION, FIELDS, type Field, type PackedRules, RULE_SHIFT, STATES } from './packed-rules.js';

/** A rule that half of all packets reach by its best field is cheaper in the list for all packets. */
const MAX_SHARE = 0.5;
/**
 * The maximum number of entries per rule in the lists of one field. The widest rules above it get lists of their own.
 */
const ENTRIES_PER_RULE = 16;
const FREE_ENTRIES = 1024;
/** Looking up a list with fewer rules is slower than adding them to the list for all packets. */
const MIN_RANGES = 5;
/** A rule too wide for this many lists of one field goes into the list for all packets. */
const MAX_LAYERS = 4;

/** Used instead of a field. */
const UNINDEXED = -1;
/** Nothing left to do: the rule is listed or never matches. */
const LISTED = -2;

export interface FieldLists {
  readonly field: Field;
  /** The second field tested by the list entries. */
  readonly second: Field;
  readonly lists: IntervalLists;
}

/** The lists of a chain. A packet's candidates are in one list of each field in `byField`, and in `unindexed`. */
export interface Split {
  readonly byField: readonly FieldLists[];
  /** The rules that are listed under no field. */
  readonly unindexed: Int32Array;
  readonly unindexedSecond: Field;
}

const known = new WeakMap<PackedRules, Split>();

/** Splits RULES into lists. The result serves both the slow path and the fast path. */
export function indexChain(rules: PackedRules): Split {
  let split = known.get(rules);
  if (split === undefined) {
    split = makeSplit(rules);
    known.set(rules, split);
  }
  return split;
}

function makeSplit(rules: PackedRules): Split {
  const cuts = new Map(FIELDS.map((field) => [field, cutField(rules, field)]));
  const shares = new Map<Field, Float64Array>();
  for (const [field, cut] of cuts) shares.set(field, fieldShares(cut, rules.length, rules.highest(field)));
  const chosen = chooseFields(rules, cuts, shares);
  const byField: FieldLists[] = [];
  for (const [field, cut] of cuts) {
    for (let layer = 0; layer < MAX_LAYERS; layer++) {
      const left = keepRanges(cut, (position) => chosen[position] === field);
      if (left.positions.length < MIN_RANGES) break;
      const narrow = keepRanges(left, narrowRules(left, rules.length));
      const second = secondField(field, narrow.positions, shares);
      byField.push({ field, second, lists: new IntervalLists(narrow, entryWriter(rules, second)) });
      narrow.positions.forEach((position) => {
        chosen[position] = LISTED;
      });
    }
  }
  const left: number[] = [];
  chosen.forEach((field, position) => {
    if (field !== LISTED) left.push(position);
  });
  const unindexed = new Int32Array(left.length * ENTRY_WORDS);
  const unindexedSecond = secondField(undefined, Int32Array.from(left), shares);
  const writeEntry = entryWriter(rules, unindexedSecond);
  left.forEach((position, i) => {
    writeEntry(unindexed, i * ENTRY_WORDS, position);
  });
  return { byField, unindexed, unindexedSecond };
}

/** The field that best separates the rules at POSITIONS from packets that match on FIELD. */
function secondField(field: Field | undefined, positions: Int32Array, shares: ReadonlyMap<Field, Float64Array>): Field {
  let best: Field = DESTINATION;
  let leastPackets = Number.POSITIVE_INFINITY;
  for (const [other, share] of shares) {
    if (other === field) continue;
    let packets = 0;
    // A rule without a test of this field has no share: all packets reach it.
    for (let i = 0; i < positions.length; i++) packets += share[positions[i]] || 1;
    if (packets >= leastPackets) continue;
    leastPackets = packets;
    best = other;
  }
  return best;
}

function entryWriter({ words }: PackedRules, second: Field): WriteEntry {
  return (data, at, position) => {
    const rule = position << RULE_SHIFT;
    data[at] = position;
    data[at + 1] = words[rule + second];
    data[at + 2] = words[rule + second + 1];
  };
}

interface FieldCut extends CutRanges {
  readonly ranges: ListedRanges;
}

function cutField(rules: PackedRules, field: Field): FieldCut {
  const ranges = rules.list(field);
  return { ranges, ...cutValues(ranges) };
}

/** The field by which the fewest packets reach each rule, or UNINDEXED if no field is selective. */
function chooseFields(
  rules: PackedRules,
  cuts: ReadonlyMap<Field, FieldCut>,
  shares: ReadonlyMap<Field, Float64Array>,
): Int8Array {
  const chosen = new Int8Array(rules.length);
  for (let i = 0; i < rules.length; i++) chosen[i] = rules.words[(i << RULE_SHIFT) + STATES] === 0 ? LISTED : UNINDEXED;
  const best = new Float64Array(rules.length).fill(MAX_SHARE);
  for (const [field, cut] of cuts) {
    const share = shares.get(field)!;
    cut.positions.forEach((position) => {
      if (share[position] >= best[position]) return;
      best[position] = share[position];
      chosen[position] = field;
    });
  }
  return chosen;
}

/**
 * For each rule with ranges in CUT, by position, the share of packets with a value in these. Packets are assumed to be
 * distributed like the rules: as many in each interval as it has rules and, for each of the COUNT rules that do not
 * test the field, packets with any of its values.
 */
function fieldShares(cut: FieldCut, count: number, highest: number): Float64Array {
  const { positions, starts, spans } = cut;
  const { mins, maxes } = cut.ranges;
  const changes = new Int32Array(starts.length + 1);
  let asking = 0;
  for (let i = 0; i < positions.length; i++) {
    changes[spans[2 * i]]++;
    changes[spans[2 * i + 1] + 1]--;
    if (i === 0 || positions[i] !== positions[i - 1]) asking++;
  }
  /** For each interval, the number of rules in all intervals before it. */
  const before = new Float64Array(starts.length + 1);
  for (let i = 0, taking = 0; i < starts.length; i++) {
    taking += changes[i];
    before[i + 1] = before[i] + taking;
  }
  const others = count - asking;
  const all = before[starts.length] + others;
  const shares = new Float64Array(count);
  for (let i = 0; i < positions.length; i++) {
    const own = before[spans[2 * i + 1] + 1] - before[spans[2 * i]];
    const accidental = (others * (maxes[i] - mins[i] + 1)) / (highest + 1);
    shares[positions[i]] += (own + accidental) / all;
  }
  return shares;
}

/**
 * Which of COUNT rules can be in the same lists: all with ranges in CUT, or only the narrowest ones if all would need
 * too many entries.
 */
function narrowRules({ positions, spans }: CutRanges, count: number): (position: number) => boolean {
  const most = positions.length * ENTRIES_PER_RULE + FREE_ENTRIES;
  const widths = new Float64Array(count);
  let all = 0;
  for (let i = 0; i < positions.length; i++) {
    const width = spans[2 * i + 1] - spans[2 * i] + 1;
    widths[positions[i]] += width;
    all += width;
  }
  if (all <= most) return () => true;

  const byWidth = widths.map((width, position) => width * count + position).sort();
  const isNarrow = new Uint8Array(count);
  let entries = 0;
  for (const key of byWidth) {
    entries += Math.floor(key / count);
    if (entries > most) break;
    isNarrow[key % count] = 1;
  }
  return (position) => isNarrow[position] === 1;
}

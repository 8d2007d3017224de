/** Which field each rule of a long chain is listed under, and the lists of each field. */
import { INDEX_FIELDS, type IndexField, type RuleNeeds } from './rule-needs.js';
import { cutValues, intervalsOf, type ListedRule, SplitLists } from './split-lists.js';

/** A rule that every second packet comes to by its best field costs less in the list of all packets. */
const MAX_SHARE = 0.5;
/** How long the lists of one field may be in all, for each rule in them; wide rules above that get lists of their own. */
const PLACES_PER_RULE = 16;
const FREE_PLACES = 1024;
/** What is too wide for as many lists of one field as this is in the list of all packets. */
const MAX_LAYERS = 4;

export interface FieldLists {
  readonly field: IndexField;
  readonly lists: SplitLists;
}

/** The lists of a chain. A packet's candidates are in one list of each of `byField`, and in `anyway`. */
export interface Split {
  readonly byField: readonly FieldLists[];
  /** Positions of the rules that are listed under no field, ascending. */
  readonly anyway: Int32Array;
}

/** Split a chain with NEEDS by position (undefined: never matches); HIGHEST is the highest value of a field. */
export function splitChain(needs: readonly (RuleNeeds | undefined)[], highest: (field: IndexField) => number): Split {
  const fields = chooseFields(needs, highest);
  const anyway: number[] = [];
  const rules = new Map<IndexField, ListedRule[]>();
  needs.forEach((one, position) => {
    if (one === undefined) return;
    const field = fields[position];
    if (field === undefined) anyway.push(position);
    else {
      if (!rules.has(field)) rules.set(field, []);
      rules.get(field)!.push({ position, ranges: one.ranges[field]! });
    }
  });
  const byField: FieldLists[] = [];
  for (const [field, listed] of rules) {
    let left = listed;
    for (let layer = 0; layer < MAX_LAYERS && left.length > 0; layer++) {
      const starts = cutValues(left);
      const { narrow, wide } = divideByWidth(left, starts);
      byField.push({ field, lists: new SplitLists(narrow, starts) });
      left = wide;
    }
    for (const { position } of left) anyway.push(position);
  }
  return { byField, anyway: Int32Array.from(anyway).sort() };
}

/** For each rule the field by which the fewest packets come to it, undefined: none tells much. */
function chooseFields(
  needs: readonly (RuleNeeds | undefined)[],
  highest: (field: IndexField) => number,
): (IndexField | undefined)[] {
  const fields: (IndexField | undefined)[] = needs.map(() => undefined);
  const shares = new Float64Array(needs.length).fill(MAX_SHARE);
  for (const field of INDEX_FIELDS) {
    const rules: ListedRule[] = [];
    needs.forEach((one, position) => {
      const ranges = one?.ranges[field];
      if (ranges !== undefined) rules.push({ position, ranges });
    });
    if (rules.length === 0) continue;
    const share = fieldShares(rules, needs.length, highest(field));
    rules.forEach(({ position }, i) => {
      if (share[i] >= shares[position]) return;
      shares[position] = share[i];
      fields[position] = field;
    });
  }
  return fields;
}

/**
 * For each of RULES, which are those of COUNT that ask a field, the share of packets that have a value it takes. Packets are
 * thought to be what rules are about: as many in each interval as there are rules for it, and for each rule that does not
 * ask the field, packets with any of its values.
 */
function fieldShares(rules: readonly ListedRule[], count: number, highest: number): Float64Array {
  const starts = cutValues(rules);
  const intervals = starts.length;
  const spans = intervalsOf(rules, starts);
  const changes = new Int32Array(intervals + 1);
  for (let i = 0; i < spans.length; i += 2) {
    changes[spans[i]]++;
    changes[spans[i + 1] + 1]--;
  }
  /** Of each interval, how many rules take values before it, counted once for each interval they take. */
  const before = new Float64Array(intervals + 1);
  for (let i = 0, covering = 0; i < intervals; i++) {
    covering += changes[i];
    before[i + 1] = before[i] + covering;
  }
  const others = count - rules.length;
  const all = before[intervals] + others;
  const shares = new Float64Array(rules.length);
  let at = 0;
  rules.forEach(({ ranges }, i) => {
    let packets = 0;
    for (const { min, max } of ranges) {
      packets += before[spans[at + 1] + 1] - before[spans[at]] + (others * (max - min + 1)) / (highest + 1);
      at += 2;
    }
    shares[i] = packets / all;
  });
  return shares;
}

/** RULES that together do not take too many of the intervals that begin at STARTS, and the rest, which are the widest. */
function divideByWidth(
  rules: readonly ListedRule[],
  starts: Uint32Array,
): { narrow: readonly ListedRule[]; wide: ListedRule[] } {
  const most = rules.length * PLACES_PER_RULE + FREE_PLACES;
  const byWidth = new Float64Array(rules.length);
  let all = 0;
  let at = 0;
  const spans = intervalsOf(rules, starts);
  rules.forEach(({ ranges }, i) => {
    let width = 0;
    for (const end = at + 2 * ranges.length; at < end; at += 2) width += spans[at + 1] - spans[at] + 1;
    all += width;
    byWidth[i] = width * rules.length + i;
  });
  if (all <= most) return { narrow: rules, wide: [] };

  byWidth.sort();
  const isNarrow = new Uint8Array(rules.length);
  let places = 0;
  for (const key of byWidth) {
    places += Math.floor(key / rules.length);
    if (places > most) break;
    isNarrow[key % rules.length] = 1;
  }
  return { narrow: rules.filter((_, i) => isNarrow[i] === 1), wide: rules.filter((_, i) => isNarrow[i] === 0) };
}

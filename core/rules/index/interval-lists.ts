/**
 * hot: interval lists, which find the rules of a long chain that one field of a packet does not rule out.
 *
 * The ends of all the rules' ranges cut the field's values into elementary intervals; within one, each rule either
 * takes every value or none. So each interval has a list of the rules that take it, in the order of the chain, and a
 * value's list is found by its interval: by the value's leading bits, and a binary search among the few intervals that
 * share them.
 */

/**
 * Ranges of one field, each with the position in the chain of the rule that takes it, by ascending position. Ranges of
 * one rule are apart from each other.
 */
export interface ListedRanges {
  readonly positions: Int32Array;
  readonly mins: Uint32Array;
  readonly maxes: Uint32Array;
}

/** Ranges by the elementary intervals that they are cut into. */
export interface CutRanges {
  /** The rule of each range. */
  readonly positions: Int32Array;
  /** Where each interval starts, from 0 on, ascending. */
  readonly starts: Uint32Array;
  /** Of each range its first and its last interval. */
  readonly spans: Int32Array;
}

const MAX_ROOT_BITS = 16;
/** Unsigned numbers are compared as signed ones with this bit turned: V8 has no others. */
const SIGN = 0x80000000;

/** An entry of a list: a rule's position, and the two words of its range of a second field. */
export const ENTRY_WORDS = 3;

/** Writes the entry of the rule at POSITION at AT into DATA. */
export type WriteEntry = (data: Int32Array, at: number, position: number) => void;

/** The lists of one field. All is in one array: root, starts, offsets, lists. */
export class IntervalLists {
  readonly data: Int32Array;
  /** The first cut behind 0, as it is compared. Below it is interval 0. */
  readonly #lowest: number;
  /** Each block is 2^shift values, counted from the lowest on; how many there are. */
  readonly #shift: number;
  readonly #blocks: number;
  /**
   * Where in `data` the starts of the intervals lie, as they are compared; before them, of each block the interval of
   * its first value.
   */
  readonly #startsAt: number;
  readonly #offsetsAt: number;

  constructor({ positions, starts, spans }: CutRanges, writeEntry: WriteEntry) {
    const intervals = starts.length;
    const lowest = intervals > 1 ? starts[1] : 0;
    const span = starts[intervals - 1] - lowest;
    const spanBits = 32 - Math.clz32(span);
    const rootBits = Math.min(MAX_ROOT_BITS, spanBits, 33 - Math.clz32(intervals));
    this.#lowest = lowest ^ SIGN;
    this.#shift = spanBits - rootBits;
    this.#blocks = 2 ** rootBits;
    this.#startsAt = this.#blocks + 1;
    this.#offsetsAt = this.#startsAt + intervals;
    const listsAt = this.#offsetsAt + intervals + 1;

    const lengths = new Int32Array(intervals);
    for (let range = 0; range < positions.length; range++) {
      for (let i = spans[2 * range]; i <= spans[2 * range + 1]; i++) lengths[i] += ENTRY_WORDS;
    }
    const next = new Int32Array(intervals + 1);
    next[0] = listsAt;
    for (let i = 0; i < intervals; i++) next[i + 1] = next[i] + lengths[i];
    const data = new Int32Array(next[intervals]);
    data.set(next, this.#offsetsAt);
    for (let range = 0; range < positions.length; range++) {
      for (let i = spans[2 * range]; i <= spans[2 * range + 1]; i++) {
        writeEntry(data, next[i], positions[range]);
        next[i] += ENTRY_WORDS;
      }
    }
    for (let i = 0; i < intervals; i++) data[this.#startsAt + i] = starts[i] ^ SIGN;
    for (let block = 0, interval = 0; block <= this.#blocks; block++) {
      const first = lowest + block * 2 ** this.#shift;
      while (interval + 1 < intervals && starts[interval + 1] <= first) interval++;
      data[block] = interval;
    }
    this.data = data;
  }

  /** How `find` finds its way in `data`, for whoever does the same elsewhere. */
  get layout(): { lowest: number; shift: number; blocks: number; startsAt: number; offsetsAt: number } {
    return {
      lowest: this.#lowest,
      shift: this.#shift,
      blocks: this.#blocks,
      startsAt: this.#startsAt,
      offsetsAt: this.#offsetsAt,
    };
  }

  /** Where in `data` it stands, where in `data` the list of VALUE (32 bits) begins; behind it, where the list ends. */
  find(value: number): number {
    const { data } = this;
    const compared = value ^ SIGN;
    if (compared < this.#lowest) return this.#offsetsAt;
    const block = (compared - this.#lowest) >>> this.#shift;
    if (block >= this.#blocks) return this.#offsetsAt + data[this.#blocks];
    let first = data[block];
    let last = data[block + 1];
    const startsAt = this.#startsAt;
    while (first < last) {
      const middle = (first + last + 1) >>> 1;
      if (data[startsAt + middle] <= compared) first = middle;
      else last = middle - 1;
    }
    return this.#offsetsAt + first;
  }
}

/** Cut the values of a field where RANGES begin and end. */
export function cutValues(ranges: ListedRanges): CutRanges {
  const { mins, maxes } = ranges;
  const count = mins.length;
  const sorted = new Uint32Array(2 * count + 1);
  sorted.set(mins);
  // Behind the highest value of 32 bits comes 0, which is there already.
  for (let i = 0; i < count; i++) sorted[count + i] = maxes[i] + 1;
  sorted.sort();
  let distinct = 1;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] !== sorted[i - 1]) sorted[distinct++] = sorted[i];
  const starts = sorted.slice(0, distinct);

  const spans = new Int32Array(2 * count);
  const last = distinct - 1;
  for (let i = 0; i < count; i++) {
    const first = searchInterval(starts, mins[i], 0, last);
    const isSingle = first === last || maxes[i] < starts[first + 1];
    spans[2 * i] = first;
    spans[2 * i + 1] = isSingle ? first : searchInterval(starts, maxes[i], first + 1, last);
  }
  return { positions: ranges.positions, starts, spans };
}

/** What CUT is without the ranges of the rules that WHICH does not take. */
export function keepRanges(cut: CutRanges, which: (position: number) => boolean): CutRanges {
  const { positions, starts, spans } = cut;
  const kept = positions.map((position) => (which(position) ? 1 : 0));
  const count = kept.reduce((sum, one) => sum + one, 0);
  if (count === positions.length) return cut;

  /** Whether an interval begins with a cut that is still made; then how many do up to it. */
  const places = new Int32Array(starts.length + 1);
  for (let i = 0; i < kept.length; i++) {
    if (kept[i] === 0) continue;
    places[spans[2 * i]] = 1;
    places[spans[2 * i + 1] + 1] = 1;
  }
  places[0] = 1;
  const keptStarts = starts.filter((_, i) => places[i] === 1);
  for (let i = 1; i < places.length; i++) places[i] += places[i - 1];
  const keptPositions = new Int32Array(count);
  const keptSpans = new Int32Array(2 * count);
  for (let i = 0, at = 0; i < kept.length; i++) {
    if (kept[i] === 0) continue;
    keptPositions[at] = positions[i];
    keptSpans[2 * at] = places[spans[2 * i]] - 1;
    keptSpans[2 * at + 1] = places[spans[2 * i + 1]] - 1;
    at++;
  }
  return { positions: keptPositions, starts: keptStarts, spans: keptSpans };
}

/** The interval of VALUE among those that begin at STARTS; it is known to be LOW, HIGH or between. */
function searchInterval(starts: Uint32Array, value: number, low: number, high: number): number {
  let [first, last] = [low, high];
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (starts[middle] <= value) first = middle;
    else last = middle - 1;
  }
  return first;
}

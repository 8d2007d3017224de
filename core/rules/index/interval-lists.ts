/**
 * hot: interval lists, which find the rules of a long chain that match on one field of a packet.
 *
 * The boundaries of all rules' ranges divide the field's values into elementary intervals. Within an interval, each
 * rule matches either all values or none. So each interval has a list of its rules in chain order, and a value's list
 * is found by its leading bits, plus a binary search among the few intervals that share them.
 */

/**
 * Ranges of one field, each with the chain position of its rule, by ascending position. The ranges of a rule are
 * disjoint.
 */
export interface ListedRanges {
  readonly positions: Int32Array;
  readonly mins: Uint32Array;
  readonly maxes: Uint32Array;
}

/** Ranges divided into elementary intervals. */
export interface CutRanges {
  /** The rule of each range. */
  readonly positions: Int32Array;
  /** The start of each interval, ascending from 0. */
  readonly starts: Uint32Array;
  /** The first and the last interval of each range. */
  readonly spans: Int32Array;
}

const MAX_ROOT_BITS = 16;
/** Unsigned numbers are compared as signed ones with this bit flipped, because V8 only has signed ones. */
const SIGN = 0x80000000;

/** A list entry: a rule's position, and the two words of its range for a second field. */
export const ENTRY_WORDS = 3;

/** Writes the entry of the rule at POSITION to DATA at AT. */
export type WriteEntry = (data: Int32Array, at: number, position: number) => void;

/** The lists of one field, in one array: root, starts, offsets, lists. */
export class IntervalLists {
  readonly data: Int32Array;
  /** The first boundary after 0, in comparable form. Interval 0 is below it. */
  readonly #lowest: number;
  /** Each block has 2^shift values, counted from the lowest; and the number of blocks. */
  readonly #shift: number;
  readonly #blocks: number;
  /**
   * Offset in `data` of the intervals' starts, in comparable form. Before them is the interval of each block's first
   * value.
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
    const blockValues = 2 ** this.#shift;
    for (let block = 0, interval = 0, first = lowest; block <= this.#blocks; block++, first += blockValues) {
      while (interval + 1 < intervals && starts[interval + 1] <= first) interval++;
      data[block] = interval;
    }
    this.data = data;
  }

  /** The parameters for `find`, for code that implements it elsewhere. */
  get layout(): { lowest: number; shift: number; blocks: number; startsAt: number; offsetsAt: number } {
    return {
      lowest: this.#lowest,
      shift: this.#shift,
      blocks: this.#blocks,
      startsAt: this.#startsAt,
      offsetsAt: this.#offsetsAt,
    };
  }

  /**
   * Returns the index in `data` of the offset at which the list of VALUE (32 bits) starts. The next element is the
   * offset of its end.
   */
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

/** Divides the values of a field at the boundaries of RANGES. */
export function cutValues(ranges: ListedRanges): CutRanges {
  const { mins, maxes } = ranges;
  const count = mins.length;
  const sorted = new Uint32Array(2 * count + 1);
  sorted.set(mins);
  // The maximum 32-bit value is followed by 0, which is already there.
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

/** Returns CUT without the ranges of rules for which WHICH returns false. */
export function keepRanges(cut: CutRanges, which: (position: number) => boolean): CutRanges {
  const { positions, starts, spans } = cut;
  /** The indexes of the ranges to keep. */
  const kept = new Int32Array(positions.length);
  let count = 0;
  for (let i = 0; i < positions.length; i++) if (which(positions[i])) kept[count++] = i;
  if (count === positions.length) return cut;

  /** Whether each interval starts at a boundary that is still used; later the number of those up to it. */
  const places = new Int32Array(starts.length + 1);
  for (let at = 0; at < count; at++) {
    const i = kept[at];
    places[spans[2 * i]] = 1;
    places[spans[2 * i + 1] + 1] = 1;
  }
  places[0] = 1;
  const keptStarts = new Uint32Array(starts.length);
  let intervals = 0;
  for (let i = 0; i < places.length; i++) {
    if (places[i] === 1 && i < starts.length) keptStarts[intervals] = starts[i];
    intervals += places[i];
    places[i] = intervals;
  }
  const keptPositions = new Int32Array(count);
  const keptSpans = new Int32Array(2 * count);
  for (let at = 0; at < count; at++) {
    const i = kept[at];
    keptPositions[at] = positions[i];
    keptSpans[2 * at] = places[spans[2 * i]] - 1;
    keptSpans[2 * at + 1] = places[spans[2 * i + 1]] - 1;
  }
  return { positions: keptPositions, starts: keptStarts.slice(0, places[starts.length - 1]), spans: keptSpans };
}

/** The interval of VALUE among those that start at STARTS, known to be between LOW and HIGH. */
function searchInterval(starts: Uint32Array, value: number, low: number, high: number): number {
  let [first, last] = [low, high];
  while (first < last) {
    const middle = (first + last + 1) >>> 1;
    if (starts[middle] <= value) first = middle;
    else last = middle - 1;
  }
  return first;
}

/** hot: packets over time as bars, of whatever width fits the screen. */
import { VERDICTS } from '../../explain/report/format/model.js';
import type { PacketColumns, TimelineColumns } from './result.js';

/** Packets and bytes by verdict, a bar at a time. Only bars in which there is something. */
export interface Bars {
  readonly widthNs: number;
  /** When each begins, in nanoseconds from the first packet, in order. */
  readonly starts: readonly number[];
  /** By verdict, then by bar. */
  readonly packets: readonly Float64Array[];
  readonly bytes: readonly Float64Array[];
}

/** What is counted for a bar: packets by verdict, then bytes. */
const VERDICT_COUNT = VERDICTS.length;
const COUNTS = 2 * VERDICT_COUNT;

class BarCounter {
  readonly #widthNs: number;
  readonly #counts = new Map<number, Float64Array>();
  #bar = Number.NaN;
  #current: Float64Array = new Float64Array(0);

  constructor(widthNs: number) {
    this.#widthNs = widthNs;
  }

  /** The counts of the bar of TIME_NS. */
  at(timeNs: number): Float64Array {
    const bar = Math.floor(timeNs / this.#widthNs);
    if (bar === this.#bar) return this.#current;
    let counts = this.#counts.get(bar);
    if (counts === undefined) {
      counts = new Float64Array(COUNTS);
      this.#counts.set(bar, counts);
    }
    this.#bar = bar;
    this.#current = counts;
    return counts;
  }

  get bars(): Bars {
    const widthNs = this.#widthNs;
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    const column = (at: number) => Float64Array.from(sorted, ([, counts]) => counts[at]);
    return {
      widthNs,
      starts: sorted.map(([bar]) => bar * widthNs),
      packets: VERDICTS.map((_, verdict) => column(verdict)),
      bytes: VERDICTS.map((_, verdict) => column(VERDICT_COUNT + verdict)),
    };
  }
}

/** The bins of TIMELINE, BIN_NS wide, that begin from FROM up to TO, as bars of WIDTH_NS, a multiple of that. */
export function barsOfBins(timeline: TimelineColumns, binNs: number, range: Range, widthNs: number): Bars {
  const counter = new BarCounter(widthNs);
  const columns = [
    ...VERDICTS.map((verdict) => timeline[`${verdict}Packets`]),
    ...VERDICTS.map((verdict) => timeline[`${verdict}Bytes`]),
  ];
  const { bin } = timeline;
  for (let row = 0; row < bin.length; row++) {
    const start = bin[row] * binNs;
    if (start + binNs <= range[0] || start > range[1]) continue;
    if (!hasPackets(timeline, row)) continue;
    const counts = counter.at(start);
    for (let i = 0; i < COUNTS; i++) counts[i] += columns[i][row];
  }
  return counter.bars;
}

/** Whether there are packets in the bin of ROW: it may be there for the size of the connection table alone. */
export function hasPackets(timeline: TimelineColumns, row: number): boolean {
  return VERDICTS.some((verdict) => timeline[`${verdict}Packets`][row] !== 0);
}

/** From and to, in nanoseconds from the first packet. */
export type Range = readonly [from: number, to: number];

/** ROWS of PACKETS, or all of them, in RANGE. VERDICT_OF: by traversal, a position in VERDICTS. */
export function barsOfPackets(
  packets: Pick<PacketColumns, 'timeNs' | 'length' | 'traversal'>,
  verdictOf: Uint8Array,
  rows: Uint32Array | undefined,
  [from, to]: Range,
  widthNs: number,
): Bars {
  const counter = new BarCounter(widthNs);
  const { timeNs, length, traversal } = packets;
  const count = rows === undefined ? timeNs.length : rows.length;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i];
    const time = timeNs[row];
    if (time < from || time > to) continue;
    const counts = counter.at(time);
    const verdict = verdictOf[traversal[row]];
    counts[verdict]++;
    counts[VERDICT_COUNT + verdict] += length[row];
  }
  return counter.bars;
}

/** How many packets, or bytes, of all VERDICTS there are in each bar. */
export function sumOf(counts: readonly Float64Array[]): number[] {
  return counts.map((column) => column.reduce((sum, value) => sum + value, 0));
}

/**
 * hot: packets over time. How long a capture lasts is not known before its end, so the bins begin narrow. Only those in
 * which there is something take room; when they become too many, the next wider ones take their place. Traffic on both
 * sides of a long silence so remains as fine as without it.
 */
import { BIN_WIDTHS } from './format/bin-widths.js';
import { ColumnWriter } from './format/columns.js';
import { TIMELINE_COLUMNS, type TimelineIndex, VERDICTS } from './format/model.js';

/** Rows that there are at most. Wider bins leave at least a fifth of them. */
export const MOST_BINS = 8192;
/** Numbers of bins stay below it. Later times are those of the last bin. */
const FARTHEST_BIN = 2 ** 40;
const VERDICT_COUNT = VERDICTS.length;
/** The columns behind `bin`. */
const WIDTH = TIMELINE_COLUMNS.length - 1;
const CONNECTIONS = WIDTH - 1;
const UNKNOWN = -1;

export class TimelineBins {
  #widths: readonly number[] = BIN_WIDTHS;
  /** By their numbers. */
  readonly #rows = new Map<number, number>();
  readonly #bins = new Float64Array(MOST_BINS);
  readonly #values = new Float64Array(MOST_BINS * WIDTH);
  #used = 0;
  /** The bin looked up last, and where its values are. */
  #bin = Number.NaN;
  #at = 0;

  get binNs(): number {
    return this.#widths[0];
  }

  get index(): TimelineIndex {
    return { binNs: this.binNs, bins: this.#used };
  }

  /** The number of the bin of a time, in nanoseconds from the first packet. */
  binOf(timeNs: number): number {
    const bin = Math.floor(timeNs / this.#widths[0]);
    return Math.max(-FARTHEST_BIN, Math.min(bin, FARTHEST_BIN));
  }

  /** Counts a packet of LENGTH bytes. VERDICT: a position in VERDICTS. */
  count(timeNs: number, verdict: number, length: number): void {
    this.#find(timeNs);
    this.#values[this.#at + verdict]++;
    this.#values[this.#at + VERDICT_COUNT + verdict] += length;
  }

  /** The connection table has so many ENTRIES at the end of the bin of TIME_NS. */
  noteConnections(timeNs: number, entries: number): void {
    this.#find(timeNs);
    this.#values[this.#at + CONNECTIONS] = entries;
  }

  /** What `readColumns` reads. */
  bytes(): Uint8Array {
    const writer = new ColumnWriter(TIMELINE_COLUMNS);
    for (const row of this.#inOrder())
      writer.add([this.#bins[row], ...this.#values.subarray(row * WIDTH, (row + 1) * WIDTH)]);
    return writer.bytes();
  }

  #find(timeNs: number): void {
    let bin = this.binOf(timeNs);
    if (bin === this.#bin) return;
    let row = this.#rows.get(bin);
    while (row === undefined && (this.#used === MOST_BINS || Math.abs(bin) === FARTHEST_BIN) && this.#widen()) {
      bin = this.binOf(timeNs);
      row = this.#rows.get(bin);
    }
    row ??= this.#add(bin);
    this.#bin = bin;
    this.#at = row * WIDTH;
  }

  #add(bin: number): number {
    const row = this.#used++;
    this.#rows.set(bin, row);
    this.#bins[row] = bin;
    this.#values[row * WIDTH + CONNECTIONS] = UNKNOWN;
    return row;
  }

  #inOrder(): number[] {
    return Array.from({ length: this.#used }, (_, row) => row).sort((a, b) => this.#bins[a] - this.#bins[b]);
  }

  /** Takes the next wider bins. Returns whether there are any. */
  #widen(): boolean {
    if (this.#widths.length === 1) return false;
    const factor = this.#widths[1] / this.#widths[0];
    const [bins, values] = [this.#bins.slice(), this.#values.slice()];
    const order = this.#inOrder();
    this.#widths = this.#widths.slice(1);
    this.#bin = Number.NaN;
    this.#rows.clear();
    this.#used = 0;
    this.#values.fill(0);
    for (const row of order) {
      const bin = Math.floor(bins[row] / factor);
      const to = (this.#rows.get(bin) ?? this.#add(bin)) * WIDTH;
      const from = row * WIDTH;
      for (let i = 0; i < CONNECTIONS; i++) this.#values[to + i] += values[from + i];
      if (values[from + CONNECTIONS] !== UNKNOWN) this.#values[to + CONNECTIONS] = values[from + CONNECTIONS];
    }
    return true;
  }
}

/**
 * Estimates the rate of packets (gen_estimator): at the end of each interval, what was counted in it goes into a moving
 * average. All arithmetic is as in the kernel, with shifts that round down; it counts intervals in ticks.
 */
import { TICK_MS } from './clock.js';

/** The ticks of a quarter of a second, rounded down, as the kernel has them. */
const QUARTER_TICKS = Math.floor(250 / TICK_MS);
/** Averages are in units of 1/256. */
const UNIT = 256;
/** What an average gets of a quarter of a second, before it is weighted: four times as much, in units. */
const QUARTER_FACTOR = 4 * UNIT;

export interface EstimatorParams {
  /** The time between two samples, as a power of two of a quarter of a second: 0–5. */
  readonly intervalLog: number;
  /** The share of a sample in the average, as a negative power of two: 1–30. */
  readonly ewmaLog: number;
}

class Average {
  /** Per second, in 1/256. */
  value = 0;
  counted = 0;
  readonly #sampleFactor: number;
  readonly #share: number;

  constructor({ intervalLog, ewmaLog }: EstimatorParams) {
    this.#sampleFactor = QUARTER_FACTOR / 2 ** intervalLog;
    this.#share = 2 ** ewmaLog;
  }

  /** At the end of an interval. */
  sample(): void {
    this.value += Math.floor((this.counted * this.#sampleFactor) / this.#share) - Math.floor(this.value / this.#share);
    this.counted = 0;
  }

  /** Whether intervals without packets change nothing any more. */
  get isSettled(): boolean {
    return this.counted === 0 && this.value < this.#share;
  }
}

/** The estimator of the rules that share a name. It starts when the first of them is loaded. */
export class RateEstimator {
  readonly #intervalTicks: number;
  readonly #bytes: Average;
  readonly #packets: Average;
  #nextTick: number;

  constructor(params: EstimatorParams, loadedMs: number) {
    this.#intervalTicks = QUARTER_TICKS * 2 ** params.intervalLog;
    this.#nextTick = Math.floor(loadedMs / TICK_MS) + this.#intervalTicks;
    this.#bytes = new Average(params);
    this.#packets = new Average(params);
  }

  /** Counts a packet of LENGTH bytes. */
  count(length: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#bytes.counted += length;
    this.#packets.counted += 1;
  }

  /** Bytes a second. */
  bps(nowMs: number): number {
    this.#advance(nowMs);
    return Math.floor(this.#bytes.value / UNIT);
  }

  /** Packets a second. */
  pps(nowMs: number): number {
    this.#advance(nowMs);
    return Math.floor(this.#packets.value / UNIT);
  }

  #advance(nowMs: number): void {
    const tick = Math.floor(nowMs / TICK_MS);
    while (tick >= this.#nextTick) {
      if (this.#bytes.isSettled && this.#packets.isSettled) {
        const intervals = Math.floor((tick - this.#nextTick) / this.#intervalTicks) + 1;
        this.#nextTick += intervals * this.#intervalTicks;
        return;
      }
      this.#bytes.sample();
      this.#packets.sample();
      this.#nextTick += this.#intervalTicks;
    }
  }
}

/** What the rules that name an estimator share. It is undefined until a packet was counted: all rates are then 0. */
export interface EstimatorSlot {
  /** When the first rule that names it was loaded. */
  readonly loadedMs: number;
  estimator: RateEstimator | undefined;
}

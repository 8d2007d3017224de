/** hot: converts the 64-bit timestamps of pcapng, whose unit depends on the interface. */

const NANOSECONDS_PER_SECOND = 1_000_000_000;
/** Units for which every step below stays within the integers that a double represents exactly (2^53). */
const MAX_EXACT_POWER_OF_TEN = 9;
const MAX_EXACT_POWER_OF_TWO = 22;

/**
 * Converts a count of units since 1970 to seconds and nanoseconds, exactly, rounding down to a nanosecond. The result
 * is in `seconds` and `nanoseconds` until the next `set`.
 *
 * The count has two halves. The high half changes every 4.3 seconds if the unit is a nanosecond, every 72 minutes if it
 * is a microsecond. Only then is it converted, with BigInt, to whole seconds and the remaining units; the low half is
 * added to these.
 */
export class PcapngClock {
  seconds = 0;
  nanoseconds = 0;

  readonly #unitsPerSecond: bigint;
  readonly #offsetSeconds: number;
  /** The same as a number; 0 if too large for exact arithmetic on numbers. */
  readonly #exactUnitsPerSecond: number;
  readonly #nanosecondsPerUnit: number;
  /** The last high half, and its value in seconds and remaining units. */
  #high = -1;
  #highSeconds = 0;
  #highUnits = 0;

  /**
   * @param resolution  the value of if_tsresol: a negative power of 10, or of 2 if the highest bit is set
   * @param offsetSeconds  the value of if_tsoffset: seconds to add
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    const power = resolution & 0x7f;
    const isBinary = (resolution & 0x80) !== 0;
    const isExact = power <= (isBinary ? MAX_EXACT_POWER_OF_TWO : MAX_EXACT_POWER_OF_TEN);
    this.#unitsPerSecond = (isBinary ? 2n : 10n) ** BigInt(power);
    this.#exactUnitsPerSecond = isExact ? Number(this.#unitsPerSecond) : 0;
    this.#nanosecondsPerUnit = NANOSECONDS_PER_SECOND / Number(this.#unitsPerSecond);
    this.#offsetSeconds = offsetSeconds;
  }

  /** Converts a timestamp of two 32-bit halves. */
  set(high: number, low: number): void {
    const unitsPerSecond = this.#exactUnitsPerSecond;
    if (unitsPerSecond === 0) {
      this.#setBig(high, low);
      return;
    }
    if (high !== this.#high) this.#takeHigh(high);
    const units = this.#highUnits + low;
    const seconds = Math.floor(units / unitsPerSecond);
    this.seconds = this.#highSeconds + seconds;
    this.nanoseconds = Math.floor((units - seconds * unitsPerSecond) * this.#nanosecondsPerUnit);
  }

  #takeHigh(high: number): void {
    const count = BigInt(high) << 32n;
    this.#high = high;
    this.#highSeconds = Number(count / this.#unitsPerSecond) + this.#offsetSeconds;
    this.#highUnits = Number(count % this.#unitsPerSecond);
  }

  #setBig(high: number, low: number): void {
    const count = (BigInt(high) << 32n) | BigInt(low);
    this.seconds = Number(count / this.#unitsPerSecond) + this.#offsetSeconds;
    this.nanoseconds = Number(((count % this.#unitsPerSecond) * BigInt(NANOSECONDS_PER_SECOND)) / this.#unitsPerSecond);
  }
}

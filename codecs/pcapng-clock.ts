/** hot: the 64-bit time stamps of pcapng, in whichever unit an interface counts. */

const NANOSECONDS_A_SECOND = 1_000_000_000;
/** Units for which every step below stays within the integers that a double holds exactly (2^53). */
const MAX_EXACT_POWER_OF_TEN = 9;
const MAX_EXACT_POWER_OF_TWO = 22;

/**
 * Turns a count of units since 1970 into seconds and nanoseconds, exactly; what is finer than a nanosecond is cut off.
 * The result is in `seconds` and `nanoseconds` until the next `set`.
 *
 * The count has two halves. Of nanoseconds the high one changes every 4.3 seconds, of microseconds every 72 minutes:
 * what it stands for is worked out (by BigInt) only then, as whole seconds and the units that are left. The low half is
 * added to these.
 */
export class PcapngClock {
  seconds = 0;
  nanoseconds = 0;

  readonly #unitsASecond: bigint;
  readonly #offsetSeconds: number;
  /** The same as a number; 0: too many for exact arithmetic on numbers. */
  readonly #exactUnitsASecond: number;
  readonly #nanosecondsAUnit: number;
  /** The high half that was last seen, and what it stands for. */
  #high = -1;
  #highSeconds = 0;
  #highUnits = 0;

  /**
   * @param resolution  the byte of if_tsresol: a negative power of 10, or of 2 where the highest bit is set
   * @param offsetSeconds  if_tsoffset: seconds to be added
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    const power = resolution & 0x7f;
    const isBinary = (resolution & 0x80) !== 0;
    const isExact = power <= (isBinary ? MAX_EXACT_POWER_OF_TWO : MAX_EXACT_POWER_OF_TEN);
    this.#unitsASecond = (isBinary ? 2n : 10n) ** BigInt(power);
    this.#exactUnitsASecond = isExact ? Number(this.#unitsASecond) : 0;
    this.#nanosecondsAUnit = NANOSECONDS_A_SECOND / Number(this.#unitsASecond);
    this.#offsetSeconds = offsetSeconds;
  }

  /** Take a time stamp of two 32-bit halves. */
  set(high: number, low: number): void {
    const unitsASecond = this.#exactUnitsASecond;
    if (unitsASecond === 0) {
      this.#setBig(high, low);
      return;
    }
    if (high !== this.#high) this.#takeHigh(high);
    const units = this.#highUnits + low;
    const seconds = Math.floor(units / unitsASecond);
    this.seconds = this.#highSeconds + seconds;
    this.nanoseconds = Math.floor((units - seconds * unitsASecond) * this.#nanosecondsAUnit);
  }

  #takeHigh(high: number): void {
    const count = BigInt(high) << 32n;
    this.#high = high;
    this.#highSeconds = Number(count / this.#unitsASecond) + this.#offsetSeconds;
    this.#highUnits = Number(count % this.#unitsASecond);
  }

  #setBig(high: number, low: number): void {
    const count = (BigInt(high) << 32n) | BigInt(low);
    this.seconds = Number(count / this.#unitsASecond) + this.#offsetSeconds;
    this.nanoseconds = Number(((count % this.#unitsASecond) * BigInt(NANOSECONDS_A_SECOND)) / this.#unitsASecond);
  }
}

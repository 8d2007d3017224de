/** hot: the 64-bit time stamps of pcapng, in whichever unit an interface counts. */

const NANOSECONDS_A_SECOND = 1_000_000_000;
/** Base-2 units up to this power keep `remainder * 1e9` within the integers that a double holds exactly. */
const MAX_EXACT_POWER_OF_TWO = 22;
const MAX_EXACT_POWER_OF_TEN = 9;

/**
 * Turns a count of units since 1970 into seconds and nanoseconds, exactly; what is finer than a nanosecond is cut off.
 * The result is in `seconds` and `nanoseconds` until the next `set`.
 */
export class PcapngClock {
  seconds = 0;
  nanoseconds = 0;

  /** Units in a second, at most 10^9 or 2^22; 0: more than that, BigInt has to help. */
  readonly #unitsASecond: number;
  readonly #nanosecondsAUnit: number;
  readonly #unitsASecondBig: bigint;
  readonly #offsetSeconds: number;

  /**
   * @param resolution  the byte of if_tsresol: a negative power of 10, or of 2 where the highest bit is set
   * @param offsetSeconds  if_tsoffset: seconds to be added
   */
  constructor(resolution = 6, offsetSeconds = 0) {
    const power = resolution & 0x7f;
    const isBinary = (resolution & 0x80) !== 0;
    const isExact = power <= (isBinary ? MAX_EXACT_POWER_OF_TWO : MAX_EXACT_POWER_OF_TEN);
    this.#unitsASecondBig = (isBinary ? 2n : 10n) ** BigInt(power);
    this.#unitsASecond = isExact ? Number(this.#unitsASecondBig) : 0;
    this.#nanosecondsAUnit = NANOSECONDS_A_SECOND / Number(this.#unitsASecondBig);
    this.#offsetSeconds = offsetSeconds;
  }

  /**
   * Take a time stamp of two 32-bit halves.
   *
   * A long division in base 2^16: each partial dividend is below 2^46, so that everything is exact in doubles. (A
   * quotient cannot be rounded up to an integer: it misses one by at least 1e-9, and doubles of its size are 7e-12 apart.)
   */
  set(high: number, low: number): void {
    const units = this.#unitsASecond;
    if (units === 0) {
      this.#setBig(high, low);
      return;
    }
    const first = Math.floor(high / units);
    let dividend = (high - first * units) * 0x10000 + (low >>> 16);
    const second = Math.floor(dividend / units);
    dividend = (dividend - second * units) * 0x10000 + (low & 0xffff);
    const third = Math.floor(dividend / units);
    this.seconds = first * 0x1_0000_0000 + second * 0x10000 + third + this.#offsetSeconds;
    this.nanoseconds = Math.floor((dividend - third * units) * this.#nanosecondsAUnit);
  }

  #setBig(high: number, low: number): void {
    const count = (BigInt(high) << 32n) | BigInt(low);
    this.seconds = Number(count / this.#unitsASecondBig) + this.#offsetSeconds;
    this.nanoseconds = Number(((count % this.#unitsASecondBig) * BigInt(NANOSECONDS_A_SECOND)) / this.#unitsASecondBig);
  }
}

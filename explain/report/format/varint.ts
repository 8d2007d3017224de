/**
 * Integers in as many bytes as they need: seven bits in each, the lowest first, and the sign in the lowest bit of all. Small
 * ones, also negative ones, take one byte. Twice a number is never computed, which may be too large to be exact.
 */

/** What the first byte has of a number, besides its sign. */
const FIRST_BITS = 64;
const MOST_BYTES = 10;

/** Grows as numbers and bytes are added. */
export class VarintBuffer {
  #bytes = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** VALUE: an integer of less than 2^64. */
  add(value: number): void {
    this.#reserve(MOST_BYTES);
    const whole = Math.abs(value);
    let byte = (whole % FIRST_BITS) * 2 + (value < 0 ? 1 : 0);
    for (let rest = Math.floor(whole / FIRST_BITS); rest > 0; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length++] = byte + 128;
      byte = rest % 128;
    }
    this.#bytes[this.#length++] = byte;
  }

  /** Adds BYTES as they are. */
  addBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was added, until more is. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what a VarintBuffer has. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Throws a RangeError if there is no number any more. */
  next(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++];
    const isNegative = byte & 1;
    let value = (byte & 127) >>> 1;
    for (let scale = FIRST_BITS; !(byte < 128); scale *= 128) {
      byte = bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the numbers are cut off');
      value += (byte & 127) * scale;
    }
    return isNegative ? -value : value;
  }

  /** The next LENGTH bytes, in the memory of the whole. Throws a RangeError if there are fewer. */
  take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError('the bytes are cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Integers as zigzag LEB128 numbers: small ones, also negative ones, take one byte. */

/** Grows as numbers and bytes are added. */
export class VarintBuffer {
  #bytes = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** VALUE: an integer of less than 2^52. */
  add(value: number): void {
    this.#reserve(8);
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
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
    // Most are small.
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (byte === undefined) throw new RangeError('the numbers are cut off');
      value += (byte & 127) * scale;
      if (byte < 128) break;
      byte = bytes[this.#at++];
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** The next LENGTH bytes, in the memory of the whole. Throws a RangeError if there are fewer. */
  take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError('the bytes are cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

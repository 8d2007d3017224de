/** hot: writes ASCII text into a buffer, digit by digit, without creating strings. */
import { portToHostOrder } from './byte-order.js';

const FIRST_BYTES = 1 << 12;
const DOT = 0x2e;
const ZERO = 0x30;
const MAX_INT32 = 0x7fffffff;
const BILLION = 1e9;
const LETTER_A_LESS_TEN = 0x57;

export class AsciiWriter {
  /** How many bytes have been written. */
  length = 0;
  #bytes = new Uint8Array(FIRST_BYTES);

  /** What has been written. Valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  /** ASCII only. */
  text(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    const at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    this.length = at + text.length;
  }

  /** A whole number from 0 to 2^53. */
  decimal(value: number): void {
    if (value > MAX_INT32) {
      const high = Math.floor(value / BILLION);
      this.decimal(high);
      this.#digits(value - high * BILLION, 9);
      return;
    }
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count++;
    this.#digits(value, count);
  }

  /** The last COUNT digits of VALUE, of at most 31 bits: integers are divided faster than doubles. */
  #digits(value: number, count: number): void {
    this.#reserve(count);
    const bytes = this.#bytes;
    let left = value | 0;
    this.length += count;
    for (let at = this.length - 1; at >= this.length - count; at--) {
      const rest = (left / 10) | 0;
      bytes[at] = ZERO + left - rest * 10;
      left = rest;
    }
  }

  /** A 16-bit number in network order, loaded little-endian, in decimal. */
  wire16(word: number): void {
    this.decimal(portToHostOrder(word));
  }

  /** The same in lower-case hexadecimal. */
  wireHex16(word: number): void {
    this.#reserve(4);
    const value = portToHostOrder(word);
    let shift = 12;
    while (shift > 0 && value >>> shift === 0) shift -= 4;
    for (; shift >= 0; shift -= 4) {
      const digit = (value >>> shift) & 15;
      this.#bytes[this.length++] = digit + (digit < 10 ? ZERO : LETTER_A_LESS_TEN);
    }
  }

  /** An IPv4 address, as loaded little-endian. */
  address(address: number): void {
    for (let shift = 0; shift < 32; shift += 8) {
      if (shift > 0) this.#bytes[this.length++] = DOT;
      this.decimal((address >>> shift) & 0xff);
    }
  }

  /** Makes room for LENGTH more bytes and a dot. */
  #reserve(length: number): void {
    if (this.length + length < this.#bytes.length) return;
    const old = this.#bytes;
    this.#bytes = new Uint8Array(2 * (this.length + length));
    this.#bytes.set(old);
  }
}

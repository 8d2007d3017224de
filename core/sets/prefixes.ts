/** hot: the lengths of prefixes in a set of networks, longest first, and of how many elements (struct net_prefixes). */

const LENGTHS = 129;

export class Prefixes {
  /** The lengths, in descending order. */
  readonly #lengths = new Uint8Array(LENGTHS);
  readonly #elements = new Uint32Array(LENGTHS);
  /** How many different lengths there are. */
  count = 0;

  /** The length at INDEX, below `count`. */
  at(index: number): number {
    return this.#lengths[index];
  }

  /** The longest; OTHERWISE if there is none. */
  longest(otherwise: number): number {
    return this.count === 0 ? otherwise : this.#lengths[0];
  }

  add(length: number): void {
    this.#elements[length]++;
    if (this.#lengths.subarray(0, this.count).includes(length)) return;
    this.#elements[length] = 1;
    let index = this.count;
    for (; index > 0 && this.#lengths[index - 1] < length; index--) this.#lengths[index] = this.#lengths[index - 1];
    this.#lengths[index] = length;
    this.count++;
  }

  remove(length: number): void {
    const index = this.#lengths.subarray(0, this.count).indexOf(length);
    if (index < 0) return;
    this.#elements[length]--;
    if (this.#elements[length] > 0) return;
    this.#lengths.copyWithin(index, index + 1, this.count);
    this.count--;
  }

  clear(): void {
    this.#elements.fill(0);
    this.count = 0;
  }
}

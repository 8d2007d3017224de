/** The different addresses of tuples, so that each is looked at once. */
import type { TupleColumns } from '../result.js';
import type { Slices } from './slices.js';

export interface AddressIndex {
  /** Each address once. */
  readonly addresses: readonly number[];
  /** By tuple, positions in `addresses`. */
  readonly source: Int32Array;
  readonly destination: Int32Array;
}

const INDEXES = new WeakMap<TupleColumns, AddressIndex>();

export async function addressIndex(tuples: TupleColumns, slices: Slices): Promise<AddressIndex> {
  const known = INDEXES.get(tuples);
  if (known !== undefined) return known;
  const count = tuples.source.length;
  const numbers = new AddressNumbers();
  const index = {
    addresses: numbers.addresses,
    source: new Int32Array(count),
    destination: new Int32Array(count),
  };
  await slices.each(count, (from, to) => {
    for (let i = from; i < to; i++) {
      index.source[i] = numbers.of(tuples.source[i]);
      index.destination[i] = numbers.of(tuples.destination[i]);
    }
  });
  INDEXES.set(tuples, index);
  return index;
}

/** Numbers addresses in the order in which they come, by open addressing: a Map takes five times as long. */
class AddressNumbers {
  readonly addresses: number[] = [];
  /** Numbers + 1; 0: free. */
  #slots = new Int32Array(1 << 12);

  of(address: number): number {
    let slot = this.#slot(address);
    while (this.#slots[slot] !== 0) {
      const number = this.#slots[slot] - 1;
      if (this.addresses[number] === address) return number;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    this.#slots[slot] = this.addresses.push(address);
    if (this.addresses.length * 2 > this.#slots.length) this.#grow();
    return this.addresses.length - 1;
  }

  #slot(address: number): number {
    const hash = Math.imul(address | 0, 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    for (const [number, address] of this.addresses.entries()) {
      let slot = this.#slot(address);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = number + 1;
    }
  }
}

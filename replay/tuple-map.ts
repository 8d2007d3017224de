/** hot: a hash table from tuples to a few words each, in flat memory. */
import { KeyedHash } from '../core/keyed-hash.js';

/** The words of a counter, for `count` and `counted`. */
export const COUNTER_WORDS = 2;

const KEY_WORDS = 4;
const INITIAL_SLOTS = 1024;
const WORD_VALUES = 2 ** 32;

/**
 * Open addressing, at most half full; keys are never removed. A key is two addresses, a word of ports and a word that
 * must not be 0 (the protocol and whatever else distinguishes keys). The value of a key is in `words`, from the index
 * that `find` and `insert` return; an insert may replace `words` and change every index.
 */
export class TupleMap {
  words: Int32Array;
  size = 0;

  readonly #hash: KeyedHash;
  readonly #slotWords: number;
  #mask = INITIAL_SLOTS - 1;

  /** @param valueWords how many words the value of a key has; they start as 0 */
  constructor(valueWords: number, hash = new KeyedHash()) {
    this.#hash = hash;
    this.#slotWords = KEY_WORDS + valueWords;
    this.words = new Int32Array(INITIAL_SLOTS * this.#slotWords);
  }

  /** Returns the index of the value of a key; -1 if the key is absent. */
  find(source: number, destination: number, ports: number, kind: number): number {
    const slot = this.#slot(source, destination, ports, kind);
    return this.words[slot + 3] === 0 ? -1 : slot + KEY_WORDS;
  }

  /** Returns the index of the value of a key, after inserting the key if it is absent. */
  insert(source: number, destination: number, ports: number, kind: number): number {
    let slot = this.#slot(source, destination, ports, kind);
    if (this.words[slot + 3] === 0) {
      if (this.size * 2 > this.#mask) {
        this.#grow();
        slot = this.#slot(source, destination, ports, kind);
      }
      this.words[slot] = source;
      this.words[slot + 1] = destination;
      this.words[slot + 2] = ports;
      this.words[slot + 3] = kind;
      this.size++;
    }
    return slot + KEY_WORDS;
  }

  /** Removes every key. The memory is kept. */
  clear(): void {
    this.words.fill(0);
    this.size = 0;
  }

  /** Adds a number below 2^32 to the counter that starts at AT of `words`. */
  count(at: number, added: number): void {
    const { words } = this;
    const low = (words[at] >>> 0) + added;
    words[at] = low;
    if (low >= WORD_VALUES) words[at + 1]++;
  }

  counted(at: number): number {
    return this.words[at + 1] * WORD_VALUES + (this.words[at] >>> 0);
  }

  /** Calls VISIT with each key and the index of its value, in no order that a result may depend on. */
  forEach(visit: (source: number, destination: number, ports: number, kind: number, at: number) => void): void {
    const { words } = this;
    for (let slot = 0; slot < words.length; slot += this.#slotWords) {
      if (words[slot + 3] === 0) continue;
      visit(words[slot], words[slot + 1], words[slot + 2], words[slot + 3], slot + KEY_WORDS);
    }
  }

  /** The index of the slot of a key, or of the empty slot where it would go. */
  #slot(source: number, destination: number, ports: number, kind: number): number {
    const { words } = this;
    const hash = this.#hash;
    let index = hash.mix(hash.mix(hash.mix(hash.mix(0, source), destination), ports), kind) & this.#mask;
    for (;;) {
      const slot = index * this.#slotWords;
      if (words[slot + 3] === 0) return slot;
      if (
        words[slot] === source &&
        words[slot + 1] === destination &&
        words[slot + 2] === ports &&
        words[slot + 3] === kind
      ) {
        return slot;
      }
      index = (index + 1) & this.#mask;
    }
  }

  #grow(): void {
    const old = this.words;
    this.words = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let slot = 0; slot < old.length; slot += this.#slotWords) {
      if (old[slot + 3] === 0) continue;
      const to = this.#slot(old[slot], old[slot + 1], old[slot + 2], old[slot + 3]);
      for (let word = 0; word < this.#slotWords; word++) this.words[to + word] = old[slot + word];
    }
  }
}

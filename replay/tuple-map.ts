/** hot: a hash table from tuples to a few words each, in flat memory. */

const KEY_WORDS = 4;
const INITIAL_SLOTS = 1024;

/**
 * Open addressing, at most half full; keys are never removed. A key is two addresses, a word of ports and a word that
 * must not be 0 (the protocol and whatever else distinguishes keys). The value of a key is in `words`, from the index
 * that `find` and `insert` return; an insert may replace `words` and change every index.
 */
export class TupleMap {
  words: Int32Array;
  size = 0;

  readonly #slotWords: number;
  #mask = INITIAL_SLOTS - 1;

  /** @param valueWords how many words the value of a key has; they start as 0 */
  constructor(valueWords: number) {
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

  /** Calls VISIT with each key and the index of its value. */
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
    let index = hash(source, destination, ports, kind) & this.#mask;
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

/** The finaliser of MurmurHash3, which mixes the entropy of the high bits into the low ones. */
function hash(source: number, destination: number, ports: number, kind: number): number {
  let h = Math.imul(source, 0x9e3779b1) ^ destination;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ ports ^ kind;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

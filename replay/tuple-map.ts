/** hot: a hash table from tuples to a few words, in flat memory. */

const KEY_WORDS = 4;
const INITIAL_SLOTS = 1024;

/**
 * Open addressing, at most half full; nothing is ever taken out. A key is two addresses, a word of ports and a word
 * that must not be 0 (protocol and whatever else tells keys apart). What belongs to a key stands in `words`, from the
 * place that `find` and `insert` give; an insert may replace `words` and move every place.
 */
export class TupleMap {
  words: Int32Array;
  size = 0;

  readonly #slotWords: number;
  #mask = INITIAL_SLOTS - 1;

  /** @param valueWords how many words each key has, 0 at first */
  constructor(valueWords: number) {
    this.#slotWords = KEY_WORDS + valueWords;
    this.words = new Int32Array(INITIAL_SLOTS * this.#slotWords);
  }

  /** Where the words of a key start, -1 where it is not there. */
  find(source: number, destination: number, ports: number, kind: number): number {
    const slot = this.#slot(source, destination, ports, kind);
    return this.words[slot + 3] === 0 ? -1 : slot + KEY_WORDS;
  }

  /** Where the words of a key start, which is put in where it is not there. */
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

  /** Call VISIT with each key and the place of its words. */
  forEach(visit: (source: number, destination: number, ports: number, kind: number, at: number) => void): void {
    const { words } = this;
    for (let slot = 0; slot < words.length; slot += this.#slotWords) {
      if (words[slot + 3] === 0) continue;
      visit(words[slot], words[slot + 1], words[slot + 2], words[slot + 3], slot + KEY_WORDS);
    }
  }

  /** Where the slot of a key starts: its own, or the empty one where it would go. */
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

/** Murmur3's finaliser, which brings down the entropy of the high bits. */
function hash(source: number, destination: number, ports: number, kind: number): number {
  let h = Math.imul(source, 0x9e3779b1) ^ destination;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ ports ^ kind;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

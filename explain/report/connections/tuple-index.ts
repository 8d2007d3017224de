/** hot: which number belongs to a tuple. A hash table of whole numbers, since a capture may have a million tuples. */
const WORDS = 5;
const FIRST_SLOTS = 1 << 12;
const NONE = -1;

/** Tuples are words as in record.ts. */
export class TupleIndex {
  #slots = FIRST_SLOTS;
  #size = 0;
  /** Of each slot, the four words of a tuple and its number + 1; 0: the slot is empty. Linear probing. */
  #words = new Int32Array(FIRST_SLOTS * WORDS);

  /** The number of the tuple; -1: it has none. */
  get(source: number, destination: number, ports: number, protocol: number): number {
    const at = this.#slotOf(source, destination, ports, protocol);
    return this.#words[at + 4] - 1;
  }

  /** Gives the tuple another NUMBER, at least 0. */
  set(source: number, destination: number, ports: number, protocol: number, number: number): void {
    const at = this.#slotOf(source, destination, ports, protocol);
    const words = this.#words;
    const isNew = words[at + 4] - 1 === NONE;
    words[at] = source;
    words[at + 1] = destination;
    words[at + 2] = ports;
    words[at + 3] = protocol;
    words[at + 4] = number + 1;
    if (isNew && ++this.#size * 2 > this.#slots) this.#grow();
  }

  #slotOf(source: number, destination: number, ports: number, protocol: number): number {
    const words = this.#words;
    const mask = this.#slots - 1;
    let slot = hash(source, destination, ports, protocol) & mask;
    for (;;) {
      const at = slot * WORDS;
      if (words[at + 4] === 0) return at;
      const isSame =
        words[at] === source && words[at + 1] === destination && words[at + 2] === ports && words[at + 3] === protocol;
      if (isSame) return at;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Int32Array(this.#slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 4] === 0) continue;
      const to = this.#slotOf(old[at], old[at + 1], old[at + 2], old[at + 3]);
      this.#words.set(old.subarray(at, at + WORDS), to);
    }
  }
}

/** Each word is mixed as in MurmurHash3, so that addresses and ports in a row do not end up in a row. */
function hash(source: number, destination: number, ports: number, protocol: number): number {
  return finish(mix(mix(mix(mix(0, source), destination), ports), protocol));
}

function mix(state: number, word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  const turned = state ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number): number {
  const first = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}

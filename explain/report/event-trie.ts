/**
 * hot: tells which packets had the same events. Each event is a few numbers, and the numbers of all events of a packet
 * lead through a trie. A packet that comes to an end of it where another one has been has had the same events.
 */

/** Where some numbers lead to. */
export class TrieNode {
  /** What was found out about packets that end here; -1: none has. */
  end = -1;
  #number = -1;
  #next: TrieNode | undefined;
  /** Where other numbers lead to. */
  #others: Map<number, TrieNode> | undefined;

  /** Where NUMBER leads to; undefined: no packet has been there. */
  known(number: number): TrieNode | undefined {
    return this.#number === number && this.#next !== undefined ? this.#next : this.#others?.get(number);
  }

  /** Adds where NUMBER leads to, which is not known. */
  add(number: number): TrieNode {
    const node = new TrieNode();
    if (this.#next === undefined) {
      this.#number = number;
      this.#next = node;
    } else {
      this.#others ??= new Map();
      this.#others.set(number, node);
    }
    return node;
  }
}

/** Numbers for texts: each text has the same one whenever it comes. */
export class TextNumbers {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}

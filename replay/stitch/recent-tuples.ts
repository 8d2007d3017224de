/** hot: what is remembered about the tuples met last, in bounded memory. */
import type { KeyedHash } from '../../core/keyed-hash.js';
import { TupleMap } from '../tuple-map.js';

/** How many tuples are remembered at least: the most recently used ones. At most twice as many. */
const REMEMBERED = 1 << 17;

/**
 * A map from tuples to a few words each that forgets the tuples that were not used for the longest time. It has two
 * generations: when the younger one is full, it becomes the older one, and what was in that is forgotten. A tuple of
 * the older one that is found again moves to the younger one.
 */
export class RecentTuples {
  #young: TupleMap;
  #old: TupleMap;
  readonly #valueWords: number;
  readonly #remembered: number;

  /** @param valueWords how many words the value of a key has; they start as 0 */
  constructor(valueWords: number, remembered = REMEMBERED, hash?: KeyedHash) {
    this.#valueWords = valueWords;
    this.#remembered = remembered;
    this.#young = new TupleMap(valueWords, hash);
    this.#old = new TupleMap(valueWords, hash);
  }

  /** Whether nothing was inserted yet. */
  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0;
  }

  /** The words in which the indexes that `find` and `insert` return lie, until the next call of either. */
  get words(): Int32Array {
    return this.#young.words;
  }

  /** Returns the index of the value of a key in `words`; -1 if the key is absent. `kind` must not be 0. */
  find(source: number, destination: number, ports: number, kind: number): number {
    const found = this.#young.find(source, destination, ports, kind);
    if (found >= 0 || this.#old.size === 0) return found;
    const older = this.#old.find(source, destination, ports, kind);
    if (older < 0) return -1;
    const from = this.#old.words;
    const to = this.#young.insert(source, destination, ports, kind);
    for (let word = 0; word < this.#valueWords; word++) this.#young.words[to + word] = from[older + word];
    return to;
  }

  /** Returns the index of the value of a key in `words`, after inserting the key if it is absent. */
  insert(source: number, destination: number, ports: number, kind: number): number {
    const found = this.find(source, destination, ports, kind);
    if (found >= 0) return found;
    if (this.#young.size >= this.#remembered) {
      const forgotten = this.#old;
      this.#old = this.#young;
      this.#young = forgotten;
      forgotten.clear();
    }
    return this.#young.insert(source, destination, ports, kind);
  }
}

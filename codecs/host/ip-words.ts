/** The words of a line that ip(8) printed. */
import { quote } from './json-values.js';

/** A fault at a word of a line. */
export class WordFault extends Error {
  constructor(
    message: string,
    /** From 1. */
    readonly column: number,
  ) {
    super(message);
  }
}

/** The words of a line, one after another. */
export class Words {
  readonly #found: readonly RegExpMatchArray[];
  #next = 0;

  constructor(line: string) {
    this.#found = [...line.matchAll(/\S+/g)];
  }

  get hasMore(): boolean {
    return this.#next < this.#found.length;
  }

  peek(): string {
    return this.#found[this.#next]?.[0] ?? '';
  }

  take(): string {
    const word = this.peek();
    if (word === '') throw this.fault('expected another word at the end of the line');
    this.#next++;
    return word;
  }

  /** Takes the next word if it is WORD. */
  takes(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#next++;
    return true;
  }

  number(): number {
    const word = this.take();
    if (!/^\d+$/.test(word)) throw this.fault(`expected a number, found ${quote(word)}`, 1);
    return Number(word);
  }

  /** A fault at the next word, or BACK words before it. */
  fault(problem: string, back = 0): WordFault {
    return new WordFault(problem, (this.#found[this.#next - back]?.index ?? 0) + 1);
  }
}

/**
 * Delta debugging: the fewest units that still pass a test, in the sense that no single one can be left out any more.
 * (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002; of its two halves only the
 * complements, which is what helps where few units of many are needed.)
 */
import type { Selection } from './units.js';

/** Units of one sort, which are left out together as far as possible. */
export interface Stage {
  /** What it is about, for people: `packets`. */
  readonly name: string;
  readonly units: readonly number[];
  /**
   * What is tried before anything else, one after the other, until one passes: units of the stage that might be all
   * that is needed.
   */
  readonly guesses?: () => readonly (readonly number[])[];
}

/** How far a search has come: what was tried last, and how that went. */
export interface Step {
  readonly stage: string;
  /** How many units of the stage are kept, of how many. */
  readonly left: number;
  readonly of: number;
}

/** Asks a test about selections, each of them once. */
export class Tester {
  /** How often the test was asked, and how often its answer was known. */
  tried = 0;
  known = 0;
  readonly #test: (selection: Selection) => boolean;
  readonly #answers = new Map<string, boolean>();

  constructor(test: (selection: Selection) => boolean) {
    this.#test = test;
  }

  passes(selection: Selection): boolean {
    const { key } = selection;
    const known = this.#answers.get(key);
    if (known !== undefined) {
      this.known++;
      return known;
    }
    this.tried++;
    const answer = this.#test(selection);
    this.#answers.set(key, answer);
    return answer;
  }
}

/** The search for a smallest selection. It ends at any time: `best` is then the smallest so far. */
export class Reduction {
  best: Selection;
  /** Whether nothing can be left out any more. */
  isDone = false;
  readonly #stages: readonly Stage[];
  readonly #tester: Tester;

  /** START passes the test of TESTER, which is asked about smaller ones. */
  constructor(start: Selection, stages: readonly Stage[], tester: Tester) {
    this.best = start;
    this.#stages = stages.filter(({ units }) => units.length > 0);
    this.#tester = tester;
  }

  /** Tries the guesses, a test with each step. START need not have passed. */
  *guesses(): Generator<Step, void, void> {
    for (const stage of this.#stages) yield* this.#guess(stage);
  }

  /** Takes the search one test further with each step. The stages follow one another until none leaves out any more. */
  *steps(): Generator<Step, void, void> {
    for (let before: Selection | undefined; before !== this.best; ) {
      before = this.best;
      for (const stage of this.#stages) yield* this.#reduce(stage);
    }
    this.isDone = true;
  }

  *#guess(stage: Stage): Generator<Step, void, void> {
    for (const guess of stage.guesses?.() ?? []) {
      const wanted = new Set(guess);
      if (this.#leaveOut(stage.units.filter((unit) => !wanted.has(unit)))) return yield this.#stepOf(stage);
      yield this.#stepOf(stage);
    }
  }

  /** Leaves out all that is left of STAGE, then halves, quarters and so on, at last each unit alone. */
  *#reduce(stage: Stage): Generator<Step, void, void> {
    for (let size = this.best.countOf(stage.units); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let isSmaller = true; isSmaller; isSmaller = isSmaller && size === 1) {
        isSmaller = false;
        const left = stage.units.filter((unit) => this.best.has(unit));
        // Later packets and rules rather than earlier ones: what happens first does not depend on them.
        for (let end = left.length; end > 0; end -= size) {
          const chunk = left.slice(Math.max(0, end - size), end).filter((unit) => this.best.has(unit));
          if (chunk.length === 0) continue;
          if (this.#leaveOut(chunk)) isSmaller = true;
          yield this.#stepOf(stage);
        }
      }
    }
  }

  #leaveOut(units: readonly number[]): boolean {
    if (this.best.countOf(units) === 0) return false;
    const smaller = this.best.without(units);
    if (!this.#tester.passes(smaller)) return false;
    this.best = smaller;
    return true;
  }

  #stepOf({ name, units }: Stage): Step {
    return { stage: name, left: this.best.countOf(units), of: units.length };
  }
}

/** The traversals of a replay, each told once, and how many packets took them. */
import type { Folded, FoldedTraversal, TraversalChunk } from './format/folded-traversals.js';
import type { Traversal, TraversalStep } from './format/model.js';

/** Traversals of a chunk. */
export const TRAVERSAL_ROWS = 256;
/** More than all rules have steps. */
const MOST_STEPS = 2 ** 26;

export class Traversals {
  readonly all: FoldedTraversal[] = [];
  /** The steps of all of them, and their paths, as in TraversalChunk. */
  readonly steps: TraversalStep[] = [];
  readonly paths: number[] = [];
  /** By their numbers. */
  readonly packets: number[] = [];
  readonly bytes: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #stepNumbers = new Map<string, number>();
  /** By the place before and the number of the step. */
  readonly #places = new Map<number, number>();
  /** How many steps and paths there were before each chunk. */
  readonly #before: { readonly steps: number; readonly paths: number }[] = [];

  /** The number of TRAVERSAL. */
  numberOf(traversal: Traversal): number {
    this.#before[Math.floor(this.all.length / TRAVERSAL_ROWS)] ??= {
      steps: this.steps.length,
      paths: this.paths.length,
    };
    const folded = this.#folded(traversal);
    const key = JSON.stringify(folded);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.all.push(folded) - 1;
    this.#numbers.set(key, number);
    this.packets.push(0);
    this.bytes.push(0);
    return number;
  }

  /** A packet of LENGTH bytes took NUMBER. */
  count(number: number, length: number): void {
    this.packets[number]++;
    this.bytes[number] += length;
  }

  /** How many packets were compared with each of RULES rules. */
  asked(rules: number): Float64Array {
    const { steps, paths } = this;
    const asked = new Float64Array(rules);
    const packets = new Float64Array(paths.length / 2);
    for (const [number, traversal] of this.all.entries()) addPackets(packets, traversal, this.packets[number]);
    for (let at = packets.length - 1; at >= 0; at--) {
      const before = paths[at * 2];
      const step = steps[paths[at * 2 + 1]];
      if (before >= 0) packets[before] += packets[at];
      if (step.kind === 'rule') asked[step.rule] += packets[at];
    }
    return asked;
  }

  /** What section NUMBER holds; undefined: there is none. */
  chunk(number: number): TraversalChunk | undefined {
    const first = number * TRAVERSAL_ROWS;
    if (first >= this.all.length) return undefined;
    const [before, after] = [this.#before[number], this.#before[number + 1]];
    return {
      steps: this.steps.slice(before.steps, after?.steps),
      paths: this.paths.slice(before.paths, after?.paths),
      traversals: this.all.slice(first, first + TRAVERSAL_ROWS),
    };
  }

  #folded<T extends Traversal>(traversal: T): Folded<T> {
    const folded: FoldedTraversal = {
      ...traversal,
      stages: traversal.stages.map(({ hook, steps }) => {
        const last = steps.reduce((before, step) => this.#placeOf(before, this.#numberOfStep(step)), -1);
        return { ...(hook === undefined ? {} : { hook }), last };
      }),
      related: traversal.related.map((one) => this.#folded(one)),
    };
    return folded as Folded<T>;
  }

  #numberOfStep(step: TraversalStep): number {
    const key = JSON.stringify(step);
    const known = this.#stepNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.steps.push(step) - 1;
    this.#stepNumbers.set(key, number);
    return number;
  }

  /** The place of the step NUMBER behind the place BEFORE. */
  #placeOf(before: number, number: number): number {
    const key = (before + 1) * MOST_STEPS + number;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.paths.push(before, number) / 2 - 1;
    this.#places.set(key, place);
    return place;
  }
}

function addPackets(packets: Float64Array, { stages, related }: FoldedTraversal, count: number): void {
  for (const { last } of stages) if (last >= 0) packets[last] += count;
  for (const one of related) addPackets(packets, one, count);
}

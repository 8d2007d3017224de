/** The traversals of a replay, each told once, and how many packets took them. */
import type { Folded, FoldedStep, FoldedTraversal, TraversalChunk } from './format/folded-traversals.js';
import type { Traversal, TraversalStep } from './format/model.js';

/** Traversals of a chunk. */
export const TRAVERSAL_ROWS = 256;

export class Traversals {
  readonly all: FoldedTraversal[] = [];
  /** The steps of all of them, each behind the one before it. */
  readonly steps: FoldedStep[] = [];
  /** By their numbers. */
  readonly packets: number[] = [];
  readonly bytes: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #stepNumbers = new Map<string, number>();
  /** Of each chunk, the first step that came with it. */
  readonly #firstSteps: number[] = [];

  /** The number of TRAVERSAL. */
  numberOf(traversal: Traversal): number {
    this.#firstSteps[Math.floor(this.all.length / TRAVERSAL_ROWS)] ??= this.steps.length;
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
    const { steps } = this;
    const asked = new Float64Array(rules);
    const packets = new Float64Array(steps.length);
    for (const [number, traversal] of this.all.entries()) addPackets(packets, traversal, this.packets[number]);
    for (let at = steps.length - 1; at >= 0; at--) {
      const [before, step] = steps[at];
      if (before >= 0) packets[before] += packets[at];
      if (step.kind === 'rule') asked[step.rule] += packets[at];
    }
    return asked;
  }

  /** What section NUMBER holds; undefined: there is none. */
  chunk(number: number): TraversalChunk | undefined {
    const first = number * TRAVERSAL_ROWS;
    if (first >= this.all.length) return undefined;
    return {
      steps: this.steps.slice(this.#firstSteps[number], this.#firstSteps[number + 1]),
      traversals: this.all.slice(first, first + TRAVERSAL_ROWS),
    };
  }

  #folded<T extends Traversal>(traversal: T): Folded<T> {
    const folded: FoldedTraversal = {
      ...traversal,
      stages: traversal.stages.map(({ hook, steps }) => {
        const last = steps.reduce((before, step) => this.#stepNumber(before, step), -1);
        return { ...(hook === undefined ? {} : { hook }), last };
      }),
      related: traversal.related.map((one) => this.#folded(one)),
    };
    return folded as Folded<T>;
  }

  /** The number of STEP behind the one BEFORE. */
  #stepNumber(before: number, step: TraversalStep): number {
    const key = before + JSON.stringify(step);
    const known = this.#stepNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.steps.push([before, step]) - 1;
    this.#stepNumbers.set(key, number);
    return number;
  }
}

function addPackets(packets: Float64Array, { stages, related }: FoldedTraversal, count: number): void {
  for (const { last } of stages) if (last >= 0) packets[last] += count;
  for (const one of related) addPackets(packets, one, count);
}

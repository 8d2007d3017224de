/** The traversals of a replay, each told once, and how many packets took them. */
import type { Traversal } from './format/model.js';

/** Traversals of a chunk. */
export const TRAVERSAL_ROWS = 256;

export class Traversals {
  readonly all: Traversal[] = [];
  /** By their numbers. */
  readonly packets: number[] = [];
  readonly bytes: number[] = [];
  readonly #numbers = new Map<string, number>();

  /** The number of TRAVERSAL. */
  numberOf(traversal: Traversal): number {
    const key = JSON.stringify(traversal);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.all.push(traversal) - 1;
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
    const asked = new Float64Array(rules);
    for (const [number, traversal] of this.all.entries()) addAsked(asked, traversal, this.packets[number]);
    return asked;
  }
}

function addAsked(asked: Float64Array, { stages, related }: Traversal, packets: number): void {
  for (const { steps } of stages) for (const step of steps) if (step.kind === 'rule') asked[step.rule] += packets;
  for (const one of related) addAsked(asked, one, packets);
}

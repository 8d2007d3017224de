import { Random } from '../../core/random.js';

/** Random choices that depend only on a seed, on every machine. */
export class Prng {
  private readonly random: Random;

  /** SEED: any integer. */
  constructor(readonly seed: number) {
    this.random = new Random(seed);
  }

  /** 32 random bits, as an unsigned number. */
  word(): number {
    return this.random.uint32();
  }

  /** A whole number of 0 … LIMIT - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 0x1_0000_0000) * limit);
  }

  /** A whole number of FIRST … LAST. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.word() / 0x1_0000_0000 < probability;
  }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error('nothing to pick from');
    return choices[this.below(choices.length)];
  }

  /** One of [weight, value] pairs. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    let left = (this.word() / 0x1_0000_0000) * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) {
      left -= weight;
      if (left < 0) return value;
    }
    return choices[choices.length - 1][1];
  }

  /** Up to COUNT different members of CHOICES, in random order. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) taken.push(...left.splice(this.below(left.length), 1));
    return taken;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return this.some(items, items.length);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

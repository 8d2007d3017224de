/** Seeded randomness for tests: the same seed makes the same choices, on every machine. */
import { Random as Generator } from '../core/random.js';

/** A whole number from 0 up to, but not including, BELOW. */
export type Random = (below: number) => number;

/** The seed of a random test: SEED, to repeat a failure, or a new one. The test prints it when it fails. */
export function testSeed(): number {
  return Number(process.env.SEED ?? Date.now() % 1_000_000);
}

export function seededRandom(seed: number): Random {
  const generator = new Generator(seed);
  return (below) => Math.floor((generator.uint32() / 2 ** 32) * below);
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)];
}

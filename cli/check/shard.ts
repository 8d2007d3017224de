/** `--shard I/N`: a part of the cases, so that several machines share the work. */
import { UsageError } from '../errors.js';

/**
 * Every Nth of CASES, from the Ith on: of N shards, each case is in exactly one.
 * @throws {UsageError}
 */
export function shardOf<T>(cases: readonly T[], given: string | undefined): readonly T[] {
  if (given === undefined) return cases;
  const [, index, shards] = /^(\d{1,6})\/(\d{1,6})$/.exec(given)?.map(Number) ?? [];
  if (index === undefined || shards === undefined || index < 1 || index > shards) {
    throw new UsageError(`--shard ${given}: expected I/N, such as 2/3 for the second of three parts`);
  }
  return cases.filter((_, i) => i % shards === index - 1);
}

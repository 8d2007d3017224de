/** What the program behind NFQUEUE answers in a random case. */
export type QueueVerdict = 'accept' | 'drop';

const VERDICTS: readonly (QueueVerdict | undefined)[] = [undefined, 'accept', 'drop'];

/** The verdict in the case of SEED; undefined: no program listens. */
export function queueVerdictOf(seed: number): QueueVerdict | undefined {
  return VERDICTS[seed % VERDICTS.length];
}

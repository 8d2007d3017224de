/** A process of the fuzzer: runs the cases whose seeds it is sent, one after the other. */
import { fileURLToPath } from 'node:url';
import { readCorpus } from './corpus.js';
import { fuzzIn } from './fuzz-case.js';

/** What a worker reports of a case. */
export interface CaseReport {
  seed: number;
  /** Undefined: nothing is wrong. */
  fault?: string;
}

const [root] = process.argv.slice(2);
const corpus = readCorpus(fileURLToPath(new URL('../../../test', import.meta.url)));

process.on('message', async (seed: number) => {
  const report: CaseReport = { seed };
  try {
    await fuzzIn(root, seed, corpus);
  } catch (error) {
    report.fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  process.send?.(report);
});
process.on('disconnect', () => process.exit());

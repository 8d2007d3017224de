/** Checks one case: its replay, the comparison with golden captures, and its claims. */
import { join } from 'node:path';
import { Judging } from '../../explain/expect/judging.js';
import { readHostAt } from '../../io/host-files.js';
import { refuseIrregular } from '../../io/path.js';
import { captureFiles } from '../../replay/captures.js';
import { type CheckOptions, replayOptionsOf, runCase } from '../../replay/check-case.js';
import { loadExpectation } from '../../replay/expectation-file.js';
import type { GoldenCase } from '../../replay/golden-case.js';
import { addressesByName, loadNames, type Names } from '../../replay/names.js';
import { madeByOf, provenanceLines } from '../../replay/provenance.js';
import type { Summary } from '../../replay/summary.js';
import { count } from '../number.js';
import type { CheckedCase, CheckedTest } from '../reporters/model.js';
import { claimTest, notesOf } from './claim-tests.js';
import { goldenTest } from './golden-test.js';
import { lostTables } from './lost-tables.js';
import { summaryTests } from './summary-tests.js';

export interface CheckRunOptions extends CheckOptions {
  /** How many differences of a kind are shown. */
  readonly top: number;
  /** Names of `--names`, which sentences may use. */
  readonly names: Names;
}

/** What came of GOLDEN. Throws what keeps it from being replayed. */
export function checkedCase(golden: GoldenCase, { top, names: given, ...options }: CheckRunOptions): CheckedCase {
  const startedMs = performance.now();
  const judging = judgingOf(golden, options, given);
  const { comparison, summary } = runCase(golden, { ...options, ...(judging && { watch: judging.watch }) });
  const results = judging?.results() ?? [];
  const comparesRules = options.comparesRules ?? options.rulesPath === undefined;
  const names = judging?.names ?? containerNames(golden, comparison?.differences.length !== 0);
  const wanted = golden.made === undefined ? 'want/' : 'this folder';
  // Claims first: they say what was meant.
  const tests: CheckedTest[] = [
    ...results.map((result) => claimTest(result, judging!.names)),
    ...(comparison === undefined ? [] : [goldenTest(comparison, { wanted, names, top, comparesRules })]),
    ...summaryTests(golden, summary, names),
  ];
  const { frames, rules, connections } = comparison ?? {
    frames: summary.packets.read,
    rules: summary.ruleCount,
    connections: summary.connections.count,
  };
  return {
    dir: golden.dir,
    tests,
    warnings: [...lostTables(golden, options), ...summary.warnings, ...uncertainWarnings(summary.uncertain)],
    notes: [...notesOf(results), ...originOf(golden, (comparison?.differences.length ?? 0) > 0)],
    // Of claims that send their packets themselves, there is nothing to count.
    ...(captureFiles(golden).length === 0 ? {} : { extent: { frames, rules, connections } }),
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/** Where what GOLDEN expects comes from: of a result folder always, of golden captures if the results DIFFER. */
function originOf({ dir, wantDir, made }: GoldenCase, differ: boolean): string[] {
  if (made !== undefined) return provenanceLines(dir, made);
  const golden = differ ? madeByOf(wantDir) : undefined;
  return golden === undefined ? [] : provenanceLines(wantDir, golden, (path) => join(dir, path));
}

/** Judges the claims of GOLDEN, which may use the names GIVEN, in its replay with OPTIONS; undefined: it has none. */
function judgingOf(golden: GoldenCase, options: CheckOptions, given: Names): Judging | undefined {
  const { expectPath } = golden;
  if (expectPath === undefined) return undefined;
  refuseIrregular(expectPath);
  const more = addressesByName(given);
  return new Judging(replayOptionsOf(golden, options), (names) =>
    loadExpectation(expectPath, new Map([...names, ...more])),
  );
}

/** That golden captures may be met by chance only; a claim about an uncertain packet is not met. */
function uncertainWarnings(uncertain: Summary['uncertain']): string[] {
  if (uncertain === undefined) return [];
  const [cause] = uncertain.causes;
  const place = cause?.file === undefined ? '' : `${cause.file}:${cause.line}: `;
  return [`${place}${count(uncertain.packets, 'packet')} uncertain: ${cause?.reason ?? 'something was not followed'}`];
}

/** The names of the containers of the case's host, and those of its own `--names`, if they ARE_NEEDED. */
function containerNames({ hostPath, options }: GoldenCase, areNeeded: boolean): Names {
  return areNeeded ? loadNames(options.namesPath, readHostAt(hostPath).description, hostPath) : new Map();
}

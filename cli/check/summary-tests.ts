/** What options of a case expect of its replay (`--strict`, `--expect-egress`, `--expect-counters`), as tests. */
import type { GoldenCase } from '../../replay/golden-case.js';
import type { Names } from '../../replay/names.js';
import type { Summary } from '../../replay/summary.js';
import { counterLines } from '../counters-report.js';
import { egressBlocks } from '../egress-report.js';
import { count } from '../number.js';
import type { CheckedTest } from '../reporters/model.js';
import { reasonsAgainst } from '../strictness.js';

/** The tests that the options of GOLDEN ask for, of a replay with this SUMMARY. NAMES: those of the case. */
export function summaryTests(golden: GoldenCase, summary: Summary, names: Names): CheckedTest[] {
  return [
    ...(golden.isStrict ? [strictTest(summary)] : []),
    ...(golden.options.expectEgress ? [egressTest(summary, names)] : []),
    ...(summary.counters === undefined ? [] : [countersTest(summary.counters)]),
  ];
}

function strictTest(summary: Summary): CheckedTest {
  const name = 'nothing is assumed or uncertain (--strict)';
  const reasons = reasonsAgainst(summary);
  if (reasons.length === 0) return { name, status: 'passed' };
  const details = [...summary.warnings, ...summary.assumed.map((one) => `assumed: ${one}`)];
  return { name, status: 'failed', message: reasons.join('; '), details: () => details };
}

function egressTest({ egress }: Summary, caseNames: Names): CheckedTest {
  const name = 'what leaves is what the captures show (--expect-egress)';
  if (egress === undefined) return { name, status: 'failed', message: 'nothing was compared: there is no --capture' };
  const { missing, extra, different, matched, ownMatched } = egress;
  const failed = { name, status: 'failed' } as const;
  if (missing + extra + different > 0) {
    return {
      ...failed,
      message: `${missing} missing, ${extra} extra, ${count(different, 'different packet')}`,
      details: ({ style, width, names }) => {
        const options = { style, width, top: 1, outDir: undefined, durationMs: 0, showsEgress: true };
        return egressBlocks(egress, new Map([...caseNames, ...names]), options).flatMap((lines) => [...lines, '']);
      },
    };
  }
  if (matched > ownMatched) return { name, status: 'passed' };
  return { ...failed, message: 'nothing was compared: the captures show no packet that the host forwarded' };
}

function countersTest(counters: NonNullable<Summary['counters']>): CheckedTest {
  const name = 'rules and policies have the expected counters (--expect-counters)';
  if (counters.different === 0) return { name, status: 'passed' };
  return {
    name,
    status: 'failed',
    message: `${count(counters.different, 'rule')} or policies have other counters`,
    details: ({ style, width }) => counterLines(counters, { style, width }),
  };
}

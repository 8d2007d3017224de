/** Claims of an expectation as tests for reporters. */
import { shown } from '../../codecs/text.js';
import type { ClaimResult } from '../../explain/expect/claim-result.js';
import { type FailureLayout, failureMessage, offenderLines, problemLines } from '../../explain/expect/failure-text.js';
import { wrapAfter } from '../../explain/text/columns.js';
import type { Names } from '../../replay/names.js';
import { count } from '../number.js';
import type { CheckedTest } from '../reporters/model.js';

/** What came of a claim. CASE_NAMES: names of addresses that the case itself has. */
export function claimTest(result: ClaimResult, caseNames: Names): CheckedTest {
  const { claim, isMet, offender } = result;
  const { name } = claim;
  // What is misspelt in it is corrected where it is.
  const { file, line, column } = result.problems[0]?.misnamedAt ?? claim;
  const test = { name, place: { file, line, column } };
  if (isMet) return { ...test, status: 'passed', ...(isUntested(result) ? { note: UNTESTED } : {}) };
  return {
    ...test,
    status: 'failed',
    ...(offender?.decidedBy === undefined ? {} : { decidedBy: offender.decidedBy }),
    message: failureMessage(result),
    details: ({ names, ...layout }) => {
      const all = { ...layout, names: new Map([...caseNames, ...names]) };
      const problems = result.problems.length > 1 ? problemLines(result, all) : subjectLines(result, all);
      const lines = [...problems, ...offenderLines(result, all)];
      return lines[0] === '' ? lines.slice(1) : lines;
    },
  };
}

/** What a claim is about, if it is called by another name. */
function subjectLines({ claim }: ClaimResult, { width }: FailureLayout): string[] {
  const isTold = !claim.isNamed || claim.kind === 'counters';
  return isTold ? [] : wrapAfter('', shown(`${claim.kind}: ${claim.text}`), width);
}

const UNTESTED = 'not tested: it met no packet';

/** Whether nothing can be said against the claim because it is about no packet at all. */
function isUntested({ claim, met }: ClaimResult): boolean {
  return claim.kind === 'never' && met === 0;
}

/** What is good to know of claims that are met, too. */
export function notesOf(results: readonly ClaimResult[]): string[] {
  return results
    .filter(({ isMet }) => isMet)
    .flatMap((result) => {
      const { claim, met, notes } = result;
      const isCounted = claim.kind === 'never' && notes.length === 0;
      const extent = isUntested(result)
        ? [UNTESTED]
        : isCounted
          ? [`${count(met, 'packet')} fitted, and none got through`]
          : [];
      return [...extent, ...notes].map((note) => `${claim.name}: ${note}`);
    });
}

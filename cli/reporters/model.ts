/** What `nfreplay check` found, one test a claim, for the reporters that tell people and other programs. */
import type { RulePlace } from '../../explain/findings.js';
import type { Style } from '../../explain/text/style.js';
import type { Names } from '../../replay/names.js';

/** Where a test is written. */
export interface TestPlace {
  /** As the command line leads to it: `pcaps/docker/expect.yaml`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column?: number;
}

/** How text for people has to look. */
export interface DetailLayout {
  /** No line is longer, as far as words allow it. */
  readonly width: number;
  readonly style: Style;
  /** Those of `--names`; the names of the case itself are known to its tests. */
  readonly names: Names;
}

/** A claim, or the comparison with golden captures. */
export interface CheckedTest {
  /** Unique within its case, but for the names of claims that people have chosen. */
  readonly name: string;
  readonly status: 'passed' | 'failed';
  readonly place?: TestPlace;
  /** The rule or policy that decided about the first offender. */
  readonly decidedBy?: RulePlace;
  /** If it passed: why that says little. It is also among the notes of its case. */
  readonly note?: string;
  /** If it failed: one line, what was expected and what was found. */
  readonly message?: string;
  /** If it failed: the whole of it, such as the trace of the first offender, without what `message` says. */
  details?(layout: DetailLayout): readonly string[];
}

/** One case, after all its tests. */
export interface CheckedCase {
  /** The folder, as the command line leads to it. */
  readonly dir: string;
  readonly tests: readonly CheckedTest[];
  readonly warnings: readonly string[];
  /** What is good to know, such as how many packets a `never` has met. */
  readonly notes: readonly string[];
  readonly extent?: { readonly frames: number; readonly rules: number; readonly connections: number };
  /** How long it took. */
  readonly seconds: number;
  /** The case could not be replayed, or not to its end. */
  readonly error?: CaseError;
}

export interface CaseError {
  readonly message: string;
  readonly exitCode: number;
  /** Nothing was replayed, as its expect.yaml is faulty. */
  readonly isExpectation?: boolean;
}

/**
 * Tells of cases as they are finished. Warnings and errors of cases are also said on standard error, by the command
 * itself.
 */
export interface Reporter {
  /** Before the first case. DIRS: the folders of all cases. */
  begin?(dirs: readonly string[]): void;
  finished(one: CheckedCase): void;
  /** After the last case; not if a signal or a fault ended the run: then `discard`. */
  end(): void;
  /** Nothing more will come. Does nothing after `end`. */
  discard?(): void;
}

/** Where a reporter writes. */
export interface TextWriter {
  write(text: string): void;
}

/** What check found, in numbers. */
export interface Totals {
  passed: number;
  failed: number;
  /** Cases that could not be replayed. */
  errors: number;
}

/** TOTALS with those of CASE. */
export function withCase({ passed, failed, errors }: Totals, { tests, error }: CheckedCase): Totals {
  const good = tests.filter(({ status }) => status === 'passed').length;
  return {
    passed: passed + good,
    failed: failed + tests.length - good,
    errors: errors + (error === undefined ? 0 : 1),
  };
}

export const NOTHING: Totals = { passed: 0, failed: 0, errors: 0 };

/** How the test is called that a case can be replayed, which is told only where it cannot. */
export const REPLAYED = 'the case can be replayed';

/** How the test is called that ERROR fails. */
export function testOfError({ isExpectation }: CaseError): string {
  return isExpectation ? 'expect.yaml can be read' : REPLAYED;
}

/** What ERROR means for its case, in words. */
export function saidOfError({ isExpectation }: CaseError): string {
  return isExpectation ? 'expect.yaml cannot be read' : 'could not be replayed';
}

/** Whether CASE is as it should be. */
export function hasPassed({ tests, error }: CheckedCase): boolean {
  return error === undefined && tests.every(({ status }) => status === 'passed');
}

/** The cases that a command line names, and how they came out. */
import { resolve } from 'node:path';
import { ExpectationError } from '../../codecs/expectation/expectation-error.js';
import { shown, shownPath } from '../../codecs/text.js';
import { type CaseKinds, caseFoldersIn, type GoldenCase, readCase } from '../../replay/golden-case.js';
import type { Arguments } from '../args.js';
import { reportOf } from '../error-report.js';
import type { CaseError } from '../reporters/model.js';
import type { Signal } from '../signals.js';

/** The folders of the cases that GIVEN names, each once. */
export function foldersOf(given: Arguments): string[] {
  const kinds = caseKinds(given);
  const found = given.positionals.flatMap((path) => caseFoldersIn(path, kinds));
  return [...new Map(found.map((dir) => [resolve(dir), dir])).values()];
}

/** Which folders GIVEN takes for cases. */
export const caseKinds = (given: Arguments): CaseKinds => ({ results: given.has('result') });

/** A case that is to be checked, or why it cannot be read. */
export interface FoundCase {
  readonly dir: string;
  readonly golden?: GoldenCase;
  readonly error?: unknown;
}

export function caseAt(dir: string, kinds: CaseKinds = {}): FoundCase {
  try {
    return { dir, golden: readCase(dir, kinds) };
  } catch (error) {
    return { dir, error };
  }
}

/** How a round ended. */
export interface CheckedRound {
  readonly exitCode: number;
  /** Of each case. */
  readonly exitCodes: ReadonlyMap<string, number>;
  /** A signal ended it. */
  readonly signal?: Signal;
}

/** ERROR in the case at DIR, which its message names. */
export function errorIn(dir: string, error: unknown): CaseError {
  const { message, exitCode } = reportOf(error);
  const isNamed = [dir, shown(dir), shownPath(dir)].some((name) => message.includes(name));
  return {
    message: isNamed ? message : `${shownPath(dir)}: ${message}`,
    exitCode,
    ...(error instanceof ExpectationError ? { isExpectation: true } : {}),
  };
}

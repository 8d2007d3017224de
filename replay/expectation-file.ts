/** Expectations, out of their file. */
import type { Expectation } from '../codecs/expectation/expectation.js';
import { readExpectation } from '../codecs/expectation/read-expectation.js';
import type { SentenceNames } from '../codecs/sentence/parse.js';
import { REASONS } from '../core/reasons.js';
import { readText } from '../io/text-file.js';

/** What `by` may say of a packet about which no rule or policy decided. */
export const DECIDING_REASONS: readonly string[] = Object.keys(REASONS).filter(
  (reason) => reason !== 'rule' && reason !== 'policy',
);

/**
 * The expectations in the file at PATH. NAMES: the addresses of names that are known without it.
 * @throws {FileError} if it cannot be read
 * @throws {ExpectationError} at whatever is not as docs/expectations.md says
 */
export function loadExpectation(path: string, names: SentenceNames): Expectation {
  return readExpectation(readText(path), path, names, DECIDING_REASONS);
}

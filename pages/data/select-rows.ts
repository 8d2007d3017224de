/** The packets that a filter chooses. */
import type { Filter } from '../selection.js';
import { filterTests, knownNames } from './filter/filter-tests.js';
import { readFilterText, type TextProblem } from './filter/filter-text.js';
import { passing } from './filter/row-test.js';
import { Slices } from './filter/slices.js';
import type { Result } from './result.js';

/**
 * The rows of RESULT that FILTER chooses, ascending; undefined: all, since it asks for nothing. Packets fit a sentence
 * if they do as they arrived, or as they left. Throws what SIGNAL was aborted with.
 */
export async function selectRows(
  result: Result,
  filter: Filter,
  signal?: AbortSignal,
): Promise<Uint32Array | undefined> {
  // Whoever only opens a report need not wait until all of its packets are unpacked.
  if (Object.values(filter).every((part) => part === undefined)) return undefined;
  const slices = new Slices(signal);
  const tests = await filterTests(result, filter, slices);
  if (tests.length === 0) return undefined;
  return passing((await result.packets()).timeNs.length, tests, slices);
}

/** What of the text of a filter cannot be read, and therefore does not apply. */
export function textProblem(result: Result, text: string): TextProblem | undefined {
  return readFilterText(text, knownNames(result)).problem;
}

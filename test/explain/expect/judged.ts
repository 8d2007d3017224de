/** Judges claims over golden cases. */
import { readExpectation } from '../../../codecs/expectation/read-expectation.js';
import type { ClaimResult } from '../../../explain/expect/claim-result.js';
import { judge } from '../../../explain/expect/judging.js';
import { optionsOf, readCase } from '../../../replay/golden-case.js';
import type { ReplayOptions } from '../../../replay/replay.js';

const FILE = 'expect.yaml';

/** What comes of the claims in TEXT, the items of `expect:`, over the case in DIR. */
export function judged(dir: string, text: string, more: Partial<ReplayOptions> = {}): ClaimResult[] {
  return judgedWith({ ...optionsOf(readCase(dir)), ...more }, text);
}

export function judgedWith(options: ReplayOptions, text: string): ClaimResult[] {
  return judge(options, (names) => readExpectation(`expect:\n${text}`, FILE, names));
}

/** RESULT in short: `met 8`, or what is not met and what was found: `2 of 8: ends, by`. */
export function outcome({ isMet, met, unmet, problems }: ClaimResult): string {
  if (isMet) return `met ${met}`;
  const members = problems.map(({ member }) => member).join(', ');
  if (problems[0].member === 'met' && met === 0) return `none${members.slice('met'.length)}`;
  return met === 0 ? members : `${unmet} of ${met}: ${members}`;
}

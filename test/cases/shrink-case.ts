/** Shrinks a case, and finds what is wrong with what comes of it. */
import { differenceOf } from '../../explain/shrink/difference-failure.js';
import type { Failure } from '../../explain/shrink/failure.js';
import { type ShrinkCounts, Shrinking } from '../../explain/shrink/shrink.js';
import { checkCase } from '../../replay/check-case.js';
import type { Difference } from '../../replay/compare.js';
import { readCase } from '../../replay/golden-case.js';
import { TemporaryFolder } from '../../replay/temporary-folder.js';
import { writeCase } from '../../replay/write-case.js';
import { withEachOneLess } from './one-less.js';

/** Calls ACTION with a folder for candidates and results. */
export function inFolder<T>(action: (folder: TemporaryFolder) => T): T {
  const folder = new TemporaryFolder('shrink-test');
  try {
    return action(folder);
  } finally {
    folder.remove();
  }
}

/** Writes the smallest case that shows FAILURE of the case in DIR to OUT. */
export function shrinkTo(dir: string, failure: Failure, out: string): ShrinkCounts {
  return inFolder((folder) => {
    const shrinking = new Shrinking(readCase(dir), failure, folder);
    for (const _ of shrinking.steps());
    writeCase(out, shrinking.content());
    return shrinking.counts;
  });
}

/**
 * Shrinks the case in DIR, which differs from `want/`; returns what is wrong: the smaller one shows another difference
 * or more than one, or one thing more can be left out.
 */
export function faultsOfShrinking(dir: string): string[] {
  return inFolder((folder) => {
    const out = `${folder.path}/small`;
    const failure = differenceOf(readCase(dir), () => [], folder);
    const [wanted] = checkCase(readCase(dir)).differences;
    shrinkTo(dir, failure, out);
    const { differences } = checkCase(readCase(out));
    const faults: string[] = [];
    const kind = (one: Difference): string => (one.kind === 'frame' ? `frame ${one.device} ${one.tsNs}` : one.kind);
    if (differences.length === 0) faults.push('no difference is left');
    // One packet that arrives may be several that leave.
    for (const one of differences)
      if (kind(one) !== kind(wanted)) faults.push(`${kind(one)} in place of ${kind(wanted)}`);
    withEachOneLess(out, (smaller, without) => {
      if (isShown(failure, smaller)) faults.push(`still shown without ${without}`);
    });
    return faults;
  });
}

function isShown(failure: Failure, dir: string): boolean {
  try {
    return failure.isShownBy(readCase(dir));
  } catch {
    return false;
  }
}

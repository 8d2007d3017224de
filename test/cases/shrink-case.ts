/** Shrinks a case, and finds what is wrong with what comes of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differenceOf } from '../../explain/shrink/difference-failure.js';
import type { Failure } from '../../explain/shrink/failure.js';
import { type ShrinkCounts, Shrinking } from '../../explain/shrink/shrink.js';
import { checkCase } from '../../replay/check-case.js';
import type { Difference } from '../../replay/compare.js';
import { readCase } from '../../replay/golden-case.js';
import { writeCase } from '../../replay/write-case.js';
import { withEachOneLess } from './one-less.js';

/** Writes the smallest case that shows FAILURE of the case in DIR to OUT. */
export function shrinkTo(dir: string, failure: Failure, out: string): ShrinkCounts {
  const shrinking = new Shrinking(readCase(dir), failure);
  try {
    for (const _ of shrinking.steps());
    writeCase(out, shrinking.content());
    return shrinking.counts;
  } finally {
    shrinking.close();
  }
}

/**
 * Shrinks the case in DIR, which differs from `want/`; returns what is wrong: the smaller one shows another difference or
 * more than one, or one thing more can be left out.
 */
export function faultsOfShrinking(dir: string): string[] {
  const parent = mkdtempSync(join(tmpdir(), 'nfreplay-small-'));
  try {
    const out = join(parent, 'case');
    const failure = differenceOf(readCase(dir), () => []);
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
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function isShown(failure: Failure, dir: string): boolean {
  try {
    return failure.isShownBy(readCase(dir));
  } catch {
    return false;
  }
}

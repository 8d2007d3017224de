/** Where tests are, and the rules that decided about them. */
import { existsSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { nativePath } from '../../io/path.js';
import type { CheckedCase, CheckedTest, TestPlace } from './model.js';

/** PATH as it is seen from FOLDER, with slashes; undefined if it is not within. */
export function pathWithin(folder: string, path: string): string | undefined {
  const inside = relative(resolve(folder), resolve(path));
  return inside === '' || isAbsolute(inside) || inside.split(/[\\/]/)[0] === '..'
    ? undefined
    : inside.replaceAll('\\', '/');
}

/**
 * The line that a failed test of CASE is about: that of the rule which decided, if it is in a file of the case, or else
 * where the test is written.
 */
export function culpritOf({ dir }: CheckedCase, { decidedBy, place }: CheckedTest): TestPlace | undefined {
  if (decidedBy === undefined || decidedBy.line < 1) return place;
  const isOfCase = pathWithin(dir, decidedBy.file) !== undefined && existsSync(nativePath(decidedBy.file));
  return isOfCase ? { file: decidedBy.file, line: decidedBy.line } : place;
}

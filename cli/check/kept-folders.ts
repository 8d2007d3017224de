/** `--keep DIR`: the folder in it for the results of each case. */
import { join, resolve, sep } from 'node:path';
import { shownPath } from '../../codecs/text.js';
import { isWithin } from '../../replay/case-places.js';
import { UsageError } from '../errors.js';

/** Between the names of folders in one name: folders in each other would be replaced with each other. */
const SEPARATOR = '--';

/**
 * For each of the folders CASES, one in DIR: called as the case, with the folders above it if two have one name.
 * @throws {UsageError} if one of them has a case in it
 */
export function keptFolders(cases: readonly string[], dir: string): ReadonlyMap<string, string> {
  const parts = new Map(
    cases.map((one) => [
      one,
      resolve(one)
        .split(sep)
        .filter((part) => part !== ''),
    ]),
  );
  const most = Math.max(1, ...[...parts.values()].map(({ length }) => length));
  const lengths = new Map(cases.map((one) => [one, 1]));
  const nameOf = (one: string): string => (parts.get(one) ?? []).slice(-(lengths.get(one) ?? 1)).join(SEPARATOR);
  for (let i = 1; i < most; i++) {
    const names = cases.map(nameOf);
    const ambiguous = cases.filter((_, at) => names.some((name, other) => other !== at && name === names[at]));
    for (const one of ambiguous) lengths.set(one, (lengths.get(one) ?? 1) + 1);
  }
  const kept = new Map(cases.map((one) => [one, join(dir, nameOf(one) || 'case')]));
  for (const folder of kept.values()) {
    const lost = cases.find((one) => isWithin(one, folder));
    if (lost !== undefined)
      throw new UsageError(
        `--keep ${dir}: the results in ${shownPath(folder)} would replace the case ${shownPath(lost)}`,
      );
  }
  return kept;
}

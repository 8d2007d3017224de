/** Refuses to write reports and kept results where the run reads. */
import { shownPath } from '../../codecs/text.js';
import {
  isWithin,
  placesOf,
  type ReadPlaces,
  refuseFolderInCase,
  refuseWritingInto,
} from '../../replay/case-places.js';
import { rulesPathsOf } from '../../replay/rules-files.js';
import type { Arguments } from '../args.js';
import { UsageError } from '../errors.js';
import { reportFilesOf } from '../reporters/choose.js';
import { caseAt, foldersOf } from './found-cases.js';

/**
 * Throws if what GIVEN has written (`--reporter NAME=FILE`, `--keep`) would replace or break what it has read. KEPT:
 * the folders of results. Cases of other shards are as safe as those of this one.
 * @throws {ReplayOptionsError} {UsageError}
 */
export function refuseOverwriting(given: Arguments, kept: ReadonlyMap<string, string> | undefined): void {
  const reports = reportFilesOf(given);
  if (reports.length === 0 && kept === undefined) return;
  const dirs = foldersOf(given);
  const read: ReadPlaces[] = [ownPlaces(given), ...dirs.map(placesAt)];
  for (const { text, path } of reports) {
    for (const places of read) refuseWritingInto(places, path, `--reporter ${text}`);
    for (const folder of kept?.values() ?? []) {
      if (isWithin(path, folder))
        throw new UsageError(
          `--reporter ${text}: the folder ${shownPath(folder)} (--keep) is replaced; write to another place`,
        );
    }
  }
  const keep = `--keep ${given.value('keep')}`;
  for (const folder of kept?.values() ?? []) {
    for (const dir of dirs) refuseFolderInCase(dir, folder, keep);
    const lost = read.flatMap(({ files }) => files).find((file) => isWithin(file, folder));
    if (lost !== undefined)
      throw new UsageError(`${keep}: the results in ${shownPath(folder)} would replace ${shownPath(lost)}, an input`);
  }
}

/** What is read beside the cases. */
function ownPlaces(given: Arguments): ReadPlaces {
  const names = given.value('names');
  return { files: [...rulesPathsOf(given.value('rules')), ...(names === undefined ? [] : [names])], folders: [] };
}

function placesAt(dir: string): ReadPlaces {
  try {
    return placesOf(dir, caseAt(dir).golden);
  } catch {
    return placesOf(dir, undefined);
  }
}

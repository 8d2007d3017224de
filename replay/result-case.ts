/** A result folder as a case: what its summary says of its run is replayed, and what is in it is what is expected. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../io/file-error.js';
import type { FileRecord } from '../io/file-record.js';
import { nativePath } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { ReplayOptionsError } from './errors.js';
import type { GoldenCase } from './golden-case.js';
import { optionsOfRun, recordsOf } from './repeated-run.js';
import { GENERATOR, SUMMARY_FILE } from './result-files.js';
import { type RunRecord, SCHEMA, type Summary } from './summary.js';

/** Whether DIR is what a replay wrote. */
export function isResultFolder(dir: string): boolean {
  if (!existsSync(nativePath(join(dir, SUMMARY_FILE)))) return false;
  try {
    const { generator } = JSON.parse(readText(join(dir, SUMMARY_FILE)));
    return typeof generator === 'string' && generator.startsWith(`${GENERATOR} `);
  } catch {
    return false;
  }
}

/**
 * The result folder DIR as a case. Its files are where they were for who replayed them.
 * @throws {FileError} if an input is not there any more
 * @throws {ReplayOptionsError} if its summary does not say what was replayed, or that cannot be read again
 */
export function readResultFolder(dir: string): GoldenCase {
  const path = join(dir, SUMMARY_FILE);
  const { schema, run, inputs } = JSON.parse(readText(path)) as Partial<Summary>;
  if (schema !== SCHEMA || run === undefined || !isRun(run))
    throw new ReplayOptionsError(`${path}: it does not say what was replayed (run); replay it again with this version`);
  const records = recordsOf(run);
  refuseMissing(dir, records);
  const options = optionsOfRun(
    run,
    (inputs ?? []).map((one) => one.interface),
  );
  const {
    rulesPath,
    hostPath,
    conntrackPath,
    inputs: found = [],
    stitchPaths = [],
    captures = [],
    ...others
  } = options;
  return {
    ...{ dir, hostPath, inputs: found, stitchPaths, captures, wantDir: dir, isStrict: false },
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
    options: { checksums: 'auto', ...others },
    made: { version: run.version, inputs: records },
  };
}

/** Files have the paths that the command line gave, which are relative to the folder where it was started. */
function refuseMissing(dir: string, records: readonly FileRecord[]): void {
  const missing = records.find(({ path }) => path !== '-' && !existsSync(nativePath(path)));
  if (missing === undefined) return;
  throw new FileError(
    `${dir}: the run read ${missing.path}, which is not there; check it in the folder where replay was started`,
  );
}

function isRun({ version, options, rules, host, captures }: Partial<RunRecord>): boolean {
  return (
    typeof version === 'string' &&
    typeof options === 'object' &&
    typeof rules?.path === 'string' &&
    typeof host?.path === 'string' &&
    Array.isArray(captures) &&
    captures.every((one) => typeof one?.path === 'string')
  );
}

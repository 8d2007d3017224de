/** A result folder as a case: what its summary says of its run is replayed, and what is in it is what is expected. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKSUM_MODES } from '../core/offload/checksums.js';
import { GUESSES } from '../core/rules/guess/guess.js';
import { FileError } from '../io/file-error.js';
import type { FileRecord } from '../io/file-record.js';
import { nativePath } from '../io/path.js';
import { readText } from '../io/text-file.js';
import { ReplayOptionsError } from './errors.js';
import type { GoldenCase } from './golden-case.js';
import { changedInputs, changedWords, optionsOfRun, recordsOf } from './repeated-run.js';
import type { ReplayOptions } from './replay.js';
import { GENERATOR, SUMMARY_FILE } from './result-files.js';
import { type RunRecord, SCHEMA, type Summary } from './summary.js';

/** Whether DIR is what a replay wrote. */
export function isResultFolder(dir: string): boolean {
  const path = nativePath(join(dir, SUMMARY_FILE));
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
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
  const { options, run } = repeatedRun(dir);
  // What is compared besides is of the host, not of what this folder says.
  const { expectEgress: _, expectCounters: _counters, ...same } = options;
  const { rulesPath, hostPath, conntrackPath, inputs: found = [], stitchPaths = [], captures = [], ...others } = same;
  return {
    ...{ dir, hostPath, inputs: found, stitchPaths, captures, wantDir: dir, isStrict: false },
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
    options: { checksums: 'auto', ...others },
    made: { version: run.version, inputs: recordsOf(run) },
  };
}

/**
 * The run that made the result folder DIR, once more, of the same inputs.
 * @throws {FileError} if an input is not as it was
 * @throws {ReplayOptionsError} as readResultFolder, or if an input was a pipe
 */
export function optionsOfResult(dir: string): ReplayOptions {
  const { options, run } = repeatedRun(dir);
  const records = recordsOf(run);
  const changed = changedWords(changedInputs(records));
  if (changed !== undefined)
    throw new FileError(`${dir}: ${changed}, so what was replayed cannot be replayed again; run nfreplay replay anew`);
  const pipe = records.find(({ path, sizeBytes }) => sizeBytes === undefined && isPipe(path));
  if (pipe !== undefined)
    throw new ReplayOptionsError(
      `${dir}: the run read ${pipe.path}, a pipe, which cannot be read again; replay it from a file`,
    );
  return options;
}

/** The run that the summary in DIR tells of, and its options. Throws as readResultFolder. */
function repeatedRun(dir: string): { readonly options: ReplayOptions; readonly run: RunRecord } {
  const path = join(dir, SUMMARY_FILE);
  const { schema, run, inputs } = JSON.parse(readText(path)) as Partial<Summary>;
  if (schema !== SCHEMA || run === undefined || !isRun(run))
    throw new ReplayOptionsError(`${path}: it does not say what was replayed (run); replay it again with this version`);
  refuseMissing(dir, recordsOf(run));
  const interfaces = (inputs ?? []).map((one) => one.interface);
  return { options: optionsOfRun(run, interfaces), run };
}

function isPipe(path: string): boolean {
  const stat = statSync(nativePath(path), { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/** Files have the paths that the command line gave, which are relative to the folder where it was started. */
function refuseMissing(dir: string, records: readonly FileRecord[]): void {
  const missing = records.find(({ path }) => path !== '-' && !existsSync(nativePath(path)));
  if (missing === undefined) return;
  throw new FileError(
    `${dir}: the run read ${missing.path}, which is not there; check it in the folder where replay was started`,
  );
}

function isRun({ version, options, rules, host, captures, ...more }: Partial<RunRecord>): boolean {
  const { ipset = [], conntrack, names, serviceRules, expectCounters = [], commands = [], changes = [] } = more;
  const lists = [captures, ipset, expectCounters, commands, changes];
  if (typeof version !== 'string' || !areOptions(options) || !lists.every((list) => Array.isArray(list))) return false;
  const records = [
    rules,
    host,
    ...lists.flat(),
    ...[conntrack, names, serviceRules].filter((one) => one !== undefined),
  ];
  return records.every(isRecord);
}

function isRecord(record: unknown): boolean {
  const { path, files = [] } = (record ?? {}) as { path?: unknown; files?: unknown };
  return typeof path === 'string' && Array.isArray(files) && files.every(isRecord);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isNumber = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const oneOf =
  (...known: readonly string[]) =>
  (value: unknown): boolean =>
    known.some((one) => one === value);

/** What each option of a run has to be. */
const OPTIONS: Readonly<Record<keyof RunRecord['options'], (value: unknown) => boolean>> = {
  seed: isNumber,
  lax: isFlag,
  keepCounters: isFlag,
  guess: oneOf(...GUESSES),
  limit: isNumber,
  checksums: oneOf(...CHECKSUM_MODES),
  logTime: isFlag,
  nfqueue: oneOf('accept', 'drop'),
  apply: areTexts,
  backend: oneOf('legacy', 'nft'),
  at: areTexts,
  conntrack: oneOf('host'),
  filter: isText,
  from: isText,
  to: isText,
  show: isText,
  expectEgress: isFlag,
};

function areOptions(options: unknown): boolean {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  const known = OPTIONS as Readonly<Record<string, (value: unknown) => boolean>>;
  return Object.entries(options).every(([name, value]) => Object.hasOwn(OPTIONS, name) && known[name](value));
}

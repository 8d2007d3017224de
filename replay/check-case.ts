/** Replays golden cases and compares the results with what they expect. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureError } from '../codecs/capture-error.js';
import { FileError, systemMessage } from '../io/file-error.js';
import { namesIn, nativePath, refuseIrregular } from '../io/path.js';
import { recover, StagedDir } from '../io/staged-dir.js';
import { writeText } from '../io/text-file.js';
import { type CompareOptions, type Comparison, compareResults, NotAResultError } from './compare.js';
import { Drops } from './dropped-causes.js';
import { NoRulesError, ReplayOptionsError } from './errors.js';
import { filesOf, type GoldenCase, optionsOf } from './golden-case.js';
import { LOG_FILE, NFLOG_FILE } from './logged.js';
import { madeByText } from './provenance.js';
import { type ReplayControl, type ReplayOptions, replay } from './replay.js';
import type { DropListener } from './replay-run.js';
import { foreignExpectation, IPSET_FILE, MADE_BY_FILE } from './result-files.js';
import { devicesOf } from './result-folder.js';
import type { Summary } from './summary.js';
import { TemporaryFolder } from './temporary-folder.js';

/** What came of a case. */
export interface CheckedResult {
  /** With what is in want/. Undefined: the case has no golden captures. */
  readonly comparison: Comparison | undefined;
  readonly summary: Summary;
}

/** A comparison with the golden captures, and the warnings of the replay. */
export interface CaseComparison extends Comparison {
  warnings: readonly string[];
}

export interface CheckOptions extends ReplayControl {
  /** As `--rules` takes it, in place of the case's own. */
  rulesPath?: string;
  /** Whether the texts and counters of rules are compared. Default: if they are the case's own. */
  comparesRules?: boolean;
  /** Accept unsupported rules, even if the case does not. */
  lax?: boolean;
  /** Where the results stay: a folder that is replaced. Left out: they are removed. */
  keepDir?: string;
  /** As in ReplayOptions. */
  watch?: NonNullable<ReplayOptions['watch']>;
}

export interface UpdateOptions extends ReplayControl {
  /** Make an expectation also of a truncated input. */
  allowTruncated?: boolean;
  /**
   * Hears before anything is replaced how the results differ from the expectation that there is; undefined: there is
   * none, or none that can be read.
   */
  before?: (comparison: Comparison | undefined) => void;
}

/**
 * Replays GOLDEN and compares the results with its golden captures, if it has any. Throws what `replay` throws.
 * @throws {FileError} if nothing is expected yet, or a file of what is expected is missing
 */
export function runCase(golden: GoldenCase, options: CheckOptions = {}): CheckedResult {
  const { dir, wantDir, expectPath } = golden;
  recover(wantDir);
  const hasWant = existsSync(nativePath(wantDir));
  if (!hasWant && expectPath === undefined) {
    throw new FileError(
      `${dir}: nothing is expected: there is neither want/ nor expect.yaml; write an expect.yaml, or let nfreplay ` +
        `check --update ${dir} make what happens now the expectation`,
    );
  }
  return withResult(golden, options, (got, { drops, summary }) => {
    if (!hasWant) return { comparison: undefined, summary };
    try {
      const rules = options.comparesRules ?? options.rulesPath === undefined;
      return { comparison: compared(wantDir, got, drops, { rules }), summary };
    } catch (error) {
      if (!(error instanceof NotAResultError)) throw error;
      throw new FileError(`${error.message} (nfreplay check --update writes it)`);
    }
  });
}

/** The same for a case that has golden captures. */
export function checkCase(golden: GoldenCase, options: CheckOptions = {}): CaseComparison {
  const { comparison, summary } = runCase(golden, options);
  if (comparison !== undefined) return { ...comparison, warnings: summary.warnings };
  throw new FileError(`${golden.wantDir} is missing (nfreplay check --update writes it)`);
}

/** The difference between the folders WANTED and GOT, each frame with why packets were dropped because of its input. */
function compared(wanted: string, got: string, drops: Drops, options: CompareOptions): Comparison {
  const comparison = compareResults(wanted, got, options);
  for (const difference of comparison.differences) {
    if (difference.kind !== 'frame') continue;
    Object.assign(difference, drops.causesOf(difference));
    const path = join(wanted, `${difference.device}.pcap`);
    if (!existsSync(nativePath(path))) throw new NotAResultError(`${path} is missing`);
  }
  return comparison;
}

/** What `updateCase` did. */
export interface UpdatedCase {
  readonly warnings: readonly string[];
  /** False: the golden captures are as they were, as the results do not differ from them. */
  readonly isWritten: boolean;
}

/**
 * Replays GOLDEN and makes the results its golden captures, unless they are the same.
 * @throws {FileError} if an input is truncated, unless that is allowed
 */
export function updateCase(golden: GoldenCase, options: UpdateOptions = {}): UpdatedCase {
  const { wantDir } = golden;
  if (golden.made !== undefined)
    throw new ReplayOptionsError(`${golden.dir} is a folder of results, which only nfreplay replay --out replaces`);
  recover(wantDir);
  return withResult(golden, options, (got, { drops, truncated, summary: { warnings } }) => {
    if (truncated.length > 0 && !options.allowTruncated) {
      throw new FileError(
        `${truncated[0]}; ${wantDir} is unchanged (--update --allow-truncated accepts such an input)`,
      );
    }
    const comparison = comparedIfReadable(wantDir, got, drops);
    options.before?.(comparison);
    const isWritten = comparison?.differences.length !== 0 || hasOtherFiles(wantDir, got);
    if (isWritten) replaceWant(wantDir, got, options, madeByText(golden.dir, filesOf(golden)));
    return { warnings, isWritten };
  });
}

function comparedIfReadable(wanted: string, got: string, drops: Drops): Comparison | undefined {
  try {
    return compared(wanted, got, drops, {});
  } catch (error) {
    const isDamaged = [NotAResultError, FileError, CaptureError].some((kind) => error instanceof kind);
    if (isDamaged) return undefined;
    throw error;
  }
}

/** Whether WANTED has a file that GOT has not, or lacks one, of those that are compared. */
function hasOtherFiles(wanted: string, got: string): boolean {
  const isCompared = (name: string): boolean => !name.startsWith('.') && name !== MADE_BY_FILE;
  const [before, after] = [namesIn(wanted).filter(isCompared), filesOfWant(got)];
  return before.some((name) => !after.includes(name)) || after.some((name) => !before.includes(name));
}

/** What a replay told besides its results. */
interface Told {
  readonly drops: Drops;
  readonly summary: Summary;
  /** Warnings about truncated inputs. */
  readonly truncated: readonly string[];
}

/** Replays GOLDEN into a folder, which is removed unless it is kept, and calls ACTION with it. */
function withResult<T>(golden: GoldenCase, options: CheckOptions, action: (dir: string, told: Told) => T): T {
  for (const path of filesOf(golden)) refuseIrregular(path);
  const { keepDir, onCreate, hasEnded, watch } = options;
  if (keepDir !== undefined) return action(keepDir, replayInto(keepDir));
  const folder = new TemporaryFolder('check', onCreate);
  const outDir = join(folder.path, 'got');
  try {
    return action(outDir, replayInto(outDir));
  } finally {
    folder.remove();
  }

  function replayInto(outDir: string): Told {
    const drops = new Drops();
    const onDrop: DropListener = (tsSec, tsNsec, { cause }, bytes, at) => drops.add(tsSec, tsNsec, cause, bytes, at);
    const truncated: string[] = [];
    const replayOptions = {
      ...replayOptionsOf(golden, options),
      ...{ outDir, onDrop },
      onTruncated: (warning: string) => truncated.push(warning),
      ...(hasEnded ? { hasEnded } : {}),
      ...(watch ? { watch } : {}),
      ...(onCreate && keepDir !== undefined ? { onCreate } : {}),
    };
    try {
      return { drops, summary: replay(replayOptions), truncated };
    } catch (error) {
      if (!(error instanceof NoRulesError)) throw error;
      throw new ReplayOptionsError(`${golden.dir}: no rules: there is no rules.v4, and ${golden.hostPath} has none`);
    }
  }
}

/** What the replay of GOLDEN reads if it is checked with OPTIONS. */
export function replayOptionsOf(golden: GoldenCase, { rulesPath, lax }: CheckOptions): ReplayOptions {
  return {
    ...optionsOf(golden),
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ...(lax ? { lax } : {}),
  };
}

/** The names of the files of the result folder DIR that golden captures have. */
function filesOfWant(dir: string): string[] {
  const logs = namesIn(dir).filter((name) => name === LOG_FILE || name === NFLOG_FILE || name === IPSET_FILE);
  return [...devicesOf(dir).map((device) => `${device}.pcap`), 'rules.v4', 'conntrack.txt', ...logs];
}

/**
 * Replaces WANT as a whole by the files of RESULT that are compared. MADE_BY: what says how they were made.
 * @throws {FileError} if WANT cannot be written, or contains a file that is not one of an expectation
 */
export function replaceWant(want: string, result: string, control: ReplayControl = {}, madeBy?: string): void {
  const staged = new StagedDir(want, {
    foreignFile: foreignExpectation,
    ...(control.onCreate === undefined ? {} : { onCreate: control.onCreate }),
  });
  try {
    for (const name of filesOfWant(result))
      copyFileSync(nativePath(join(result, name)), nativePath(join(staged.path, name)));
    if (madeBy !== undefined) writeText(join(staged.path, MADE_BY_FILE), madeBy);
    staged.commit();
  } catch (error) {
    staged.discard();
    if (error instanceof FileError) throw error;
    throw new FileError(`${want} cannot be written: ${systemMessage(error)}`);
  }
}

/** Replays golden cases and compares the results with what they expect. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCause } from '../core/drop.js';
import { FileError, systemMessage } from '../io/file-error.js';
import { namesIn, nativePath, refuseIrregular } from '../io/path.js';
import { randomName } from '../io/process-tag.js';
import { recover, removeLeftovers, StagedDir } from '../io/staged-dir.js';
import { type Comparison, compareResults, NotAResultError } from './compare.js';
import { filesOf, type GoldenCase, optionsOf } from './golden-case.js';
import { LOG_FILE, NFLOG_FILE } from './logged.js';
import { type ReplayControl, replay } from './replay.js';
import type { DropListener } from './replay-run.js';
import { foreignExpectation, IPSET_FILE } from './result-files.js';
import { devicesOf } from './result-folder.js';

/** A comparison with the expectation, and the warnings of the replay. */
export interface CaseComparison extends Comparison {
  warnings: readonly string[];
}

export interface UpdateOptions extends ReplayControl {
  /** Make an expectation also of a truncated input. */
  allowTruncated?: boolean;
}

/**
 * Replays GOLDEN and compares the results with the expectation. Throws what `replay` throws.
 * @throws {FileError} if there is no expectation yet, or a file of it is missing
 */
export function checkCase(golden: GoldenCase, control: ReplayControl = {}): CaseComparison {
  const { dir, wantDir } = golden;
  recover(wantDir);
  if (!existsSync(nativePath(wantDir))) {
    throw new FileError(
      `${dir}: nothing is expected: there is neither want/ nor expect.yaml; nfreplay check --update ${dir} makes ` +
        'what happens now the expectation',
    );
  }
  return withResult(golden, control, (dir, { drops, warnings }) => {
    try {
      const comparison = compareResults(wantDir, dir);
      for (const difference of comparison.differences) {
        const droppedBy = difference.kind === 'frame' ? drops.get(difference.tsNs) : undefined;
        if (difference.kind === 'frame' && droppedBy !== undefined) difference.droppedBy = [...droppedBy];
        if (difference.kind === 'frame') refuseMissing(join(wantDir, `${difference.device}.pcap`));
      }
      return { ...comparison, warnings };
    } catch (error) {
      if (!(error instanceof NotAResultError)) throw error;
      throw new FileError(`${error.message} (nfreplay check --update writes it)`);
    }
  });
}

function refuseMissing(path: string): void {
  if (!existsSync(nativePath(path))) throw new NotAResultError(`${path} is missing`);
}

/**
 * Replays GOLDEN and makes the results its expectation. Returns the warnings of the replay.
 * @throws {FileError} if an input is truncated, unless that is allowed
 */
export function updateCase(golden: GoldenCase, options: UpdateOptions = {}): readonly string[] {
  return withResult(golden, options, (dir, { truncated, warnings }) => {
    if (truncated.length > 0 && !options.allowTruncated) {
      throw new FileError(
        `${truncated[0]}; ${golden.wantDir} is unchanged (--update --allow-truncated accepts such an input)`,
      );
    }
    replaceWant(golden.wantDir, dir, options);
    return warnings;
  });
}

/** What a replay told besides its results. */
interface Told {
  /** Descriptions of drop causes, by the timestamp (ns) of the input. */
  drops: ReadonlyMap<bigint, ReadonlySet<string>>;
  warnings: readonly string[];
  /** Those of the warnings that are about truncated inputs. */
  truncated: readonly string[];
}

/** Replays GOLDEN into a temporary folder and calls ACTION with it. */
function withResult<T>(golden: GoldenCase, control: ReplayControl, action: (dir: string, told: Told) => T): T {
  for (const path of filesOf(golden)) refuseIrregular(path);
  const leftovers = { folder: join(tmpdir(), `nfreplay-check-${randomName()}`), parents: [] };
  const outDir = join(leftovers.folder, 'got');
  control.onCreate?.(leftovers);
  try {
    createPrivate(leftovers.folder);
    const drops = new Map<bigint, Set<string>>();
    const onDrop: DropListener = (tsSec, tsNsec, { cause }) => {
      const tsNs = BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
      drops.set(tsNs, (drops.get(tsNs) ?? new Set()).add(describeCause(cause)));
    };
    const truncated: string[] = [];
    const { warnings } = replay({
      ...optionsOf(golden),
      ...{ outDir, onDrop },
      onTruncated: (warning) => truncated.push(warning),
      ...(control.hasEnded ? { hasEnded: control.hasEnded } : {}),
    });
    return action(outDir, { drops, warnings, truncated });
  } finally {
    removeLeftovers(leftovers);
  }
}

function createPrivate(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw new FileError(`${folder} cannot be written: ${systemMessage(error)}`);
  }
}

/**
 * Replaces WANT as a whole by the files of RESULT that are compared.
 * @throws {FileError} if WANT cannot be written, or contains a file that is not one of an expectation
 */
export function replaceWant(want: string, result: string, control: ReplayControl = {}): void {
  const staged = new StagedDir(want, {
    foreignFile: foreignExpectation,
    ...(control.onCreate === undefined ? {} : { onCreate: control.onCreate }),
  });
  try {
    const logs = namesIn(result).filter((name) => name === LOG_FILE || name === NFLOG_FILE || name === IPSET_FILE);
    const names = [...devicesOf(result).map((device) => `${device}.pcap`), 'rules.v4', 'conntrack.txt', ...logs];
    for (const name of names) copyFileSync(nativePath(join(result, name)), nativePath(join(staged.path, name)));
    staged.commit();
  } catch (error) {
    staged.discard();
    if (error instanceof FileError) throw error;
    throw new FileError(`${want} cannot be written: ${systemMessage(error)}`);
  }
}

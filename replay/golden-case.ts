/**
 * A golden case: a folder with a host, a ruleset, the input, and in `want/` the expected results.
 *
 *     host.json, rules.v4
 *     in/IFACE.pcap     what arrives on an interface (`local`: what the host itself sends); or .pcapng; also rotated
 *                       (.pcap0, .pcap1, …) and compressed (.gz, .zst); or
 *     stitch.pcap       one capture of whole conversations
 *     case.json         optional: further options of the replay, `{ "options": ["--at", "10s=rules-2.v4"] }`; files
 *                       that they name are in the folder (case-options.ts)
 *     conntrack.txt     optional: the connections that the host has before the first packet (conntrack -L -o extended)
 *     want/             IFACE.pcap, local.pcap, rules.v4, conntrack.txt
 *
 * Checksums are verified (`--checksums verify`), as the kernel verifies those of frames from a wire.
 */
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCause } from '../core/drop.js';
import { mostRulesMet } from '../core/rules/longest-walk.js';
import { parseRuleset } from '../core/rules/parse/parse.js';
import type { CapturePaths } from '../io/capture-file.js';
import { FileError, systemMessage } from '../io/file-error.js';
import { namesIn, nativePath, refuseIrregular } from '../io/path.js';
import { randomName } from '../io/process-tag.js';
import { recover, removeLeftovers, StagedDir } from '../io/staged-dir.js';
import { readText } from '../io/text-file.js';
import { captureFiles } from './captures.js';
import { caseOptionsIn } from './case-options.js';
import { filesOfChange } from './changes/planned-change.js';
import { type Comparison, compareResults, NotAResultError } from './compare.js';
import { ReplayOptionsError } from './errors.js';
import { LOG_FILE, NFLOG_FILE } from './logged.js';
import { type ReplayControl, type ReplayOptions, replay } from './replay.js';
import type { DropListener } from './replay-run.js';
import { foreignExpectation, IPSET_FILE } from './result-files.js';
import { devicesOf } from './result-folder.js';

export interface GoldenCase {
  /** The folder. */
  dir: string;
  rulesPath: string;
  hostPath: string;
  inputs: { iface: string; path: CapturePaths }[];
  stitchPath?: string;
  conntrackPath?: string;
  wantDir: string;
  /** Those of `case.json`. */
  options: Partial<ReplayOptions>;
}

const HOST_FILE = 'host.json';
const STITCH_FILE = 'stitch.pcap';
const CONNTRACK_FILE = 'conntrack.txt';

/** A comparison with the expectation, and the warnings of the replay. */
export interface CaseComparison extends Comparison {
  warnings: readonly string[];
}

export interface UpdateOptions extends ReplayControl {
  /** Make an expectation also of a truncated input. */
  allowTruncated?: boolean;
}

/**
 * The cases at PATH: the folder itself, or the folders in it.
 * @throws {FileError} if the folder does not exist or cannot be read
 * @throws {ReplayOptionsError} if it is no case, or has an input that is not understood
 */
export function casesIn(path: string): GoldenCase[] {
  if (!existsSync(path)) throw new FileError(`${path}: no such folder`);
  const stat = statSync(path);
  if (!stat.isDirectory()) {
    const found = stat.isFile() ? 'a file' : 'not a folder';
    throw new ReplayOptionsError(`${path} is ${found}; expected the folder of a case`);
  }
  if (existsSync(join(path, HOST_FILE))) return [readCase(path)];
  const cases = namesIn(path)
    .map((name) => join(path, name))
    .filter((dir) => existsSync(join(dir, HOST_FILE)));
  if (cases.length === 0) {
    throw new ReplayOptionsError(`${path}: not a golden case, and contains none: a case has a ${HOST_FILE}`);
  }
  return cases.map(readCase);
}

function readCase(dir: string): GoldenCase {
  const stitchPath = join(dir, STITCH_FILE);
  const conntrackPath = join(dir, CONNTRACK_FILE);
  const inputs = inputsIn(join(dir, 'in'));
  const isStitched = existsSync(stitchPath);
  if (!isStitched && inputs.length === 0)
    throw new ReplayOptionsError(`${dir}: no input; expected in/IFACE.pcap or ${STITCH_FILE}`);
  if (isStitched && inputs.length > 0)
    throw new ReplayOptionsError(
      `${dir}: both ${captureFiles({ inputs })[0]} and ${STITCH_FILE}; a case has only one kind of input`,
    );
  return {
    dir,
    rulesPath: join(dir, 'rules.v4'),
    hostPath: join(dir, HOST_FILE),
    inputs,
    ...(isStitched ? { stitchPath } : {}),
    ...(existsSync(conntrackPath) ? { conntrackPath } : {}),
    wantDir: join(dir, 'want'),
    options: caseOptionsIn(dir),
  };
}

const CAPTURE_FILE = /^(.+)\.pcap(?:ng)?\d*(?:\.gz|\.zst)?$/s;

/** The captures in DIR. Hidden files, such as those of file managers, are left alone. */
function inputsIn(dir: string): GoldenCase['inputs'] {
  if (!existsSync(dir)) return [];
  const files = new Map<string, string[]>();
  for (const name of namesIn(dir)) {
    if (name.startsWith('.')) continue;
    const path = join(dir, name);
    const iface = CAPTURE_FILE.exec(name)?.[1];
    if (iface === undefined) {
      throw new ReplayOptionsError(`${path}: not the name of an input; expected IFACE.pcap or IFACE.pcapng`);
    }
    files.set(iface, [...(files.get(iface) ?? []), path]);
  }
  return [...files].map(([iface, paths]) => ({ iface, path: paths.length === 1 ? paths[0] : paths }));
}

/** The bytes of a case that is quick, and the times that a packet of it may meet a rule. */
const QUICK_BYTES = 2 ** 23;
const QUICK_STEPS = 2 ** 24;
/** What a replay of GOLDEN reads. */
export function optionsOf({
  rulesPath,
  hostPath,
  inputs,
  stitchPath,
  conntrackPath,
  options,
}: GoldenCase): ReplayOptions {
  return {
    ...options,
    ...{ rulesPath, hostPath, inputs },
    ...(stitchPath === undefined ? {} : { stitchPaths: [stitchPath] }),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
  };
}

/** The files of GOLDEN that a replay reads. */
function filesOf(golden: GoldenCase): string[] {
  const { rulesPath, hostPath, conntrackPath, options } = golden;
  const { changes = [], ipsetPaths = [], namesPath } = options;
  const more = [...changes.flatMap(filesOfChange), ...ipsetPaths, namesPath];
  const texts = [rulesPath, hostPath, conntrackPath, ...more].filter((path) => path !== undefined);
  return [...texts, ...captureFiles(optionsOf(golden))];
}

/** The length of a short packet in a capture. */
const SHORT_RECORD_BYTES = 76;

/** Whether GOLDEN is replayed and compared within about a second. Finding that its files cannot be read is quick. */
export function isQuick({ rulesPath, hostPath, inputs, stitchPath, wantDir }: GoldenCase): boolean {
  const captures = captureFiles({ inputs, ...(stitchPath === undefined ? {} : { stitchPaths: [stitchPath] }) });
  try {
    const want = existsSync(wantDir) ? namesIn(wantDir).map((name) => join(wantDir, name)) : [];
    const captureBytes = sizeOf(captures);
    if (captureBytes + sizeOf([rulesPath, hostPath, ...want]) > QUICK_BYTES) return false;
    const rules = mostRulesMet(parseRuleset(readText(rulesPath), rulesPath, { family: 'ipv4' }));
    return (rules * captureBytes) / SHORT_RECORD_BYTES < QUICK_STEPS;
  } catch {
    return true;
  }
}

/** The sum of the sizes of PATHS; infinite if one is a pipe or the like. */
function sizeOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => {
    const stat = statSync(nativePath(path), { throwIfNoEntry: false });
    return sum + (stat === undefined || stat.isFile() || stat.isDirectory() ? (stat?.size ?? 0) : Infinity);
  }, 0);
}

/**
 * Replays GOLDEN and compares the results with the expectation. Throws what `replay` throws.
 * @throws {FileError} if there is no expectation yet, or a file of it is missing
 */
export function checkCase(golden: GoldenCase, control: ReplayControl = {}): CaseComparison {
  const { wantDir } = golden;
  recover(wantDir);
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
      checksums: 'verify',
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

/** Reads what `nfreplay bench --json` has printed. */
import { shownPath } from '../../codecs/text.js';
import type { LiveOptions } from '../../io/capture-file.js';
import { readText } from '../../io/text-file.js';
import type { BenchResult } from '../../replay/bench-result.js';
import { ReplayOptionsError } from '../../replay/errors.js';

/** A file with results. The section `bench` of a report is a list of these. */
export interface BenchFile {
  readonly name: string;
  readonly result: BenchResult;
}

const WANTED = 'expected a result folder, the folder of a case, or what `nfreplay bench --json` printed';
const CAPTURES = 'captures are given with --in, --capture or --stitch';

/**
 * The results in the file PATH; `-` is standard input.
 * @throws {FileError} if it cannot be read
 * @throws {ReplayOptionsError} if it is something else
 */
export function readBenchFile(path: string, live: LiveOptions = {}): BenchResult {
  const name = path === '-' ? 'standard input' : shownPath(path);
  const text = readText(path, live);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const isCut = text.trimStart().startsWith('{');
    const what = isCut ? `${(error as Error).message}; ${WANTED}` : `${WANTED}; ${CAPTURES}`;
    throw new ReplayOptionsError(`${name}: ${what}`);
  }
  if (!isBench(value)) throw new ReplayOptionsError(`${name}: JSON, but of something else; ${WANTED}`);
  return value;
}

/** Whether all is there that is shown of it. */
function isBench(value: unknown): value is BenchResult {
  if (!hasNumbers(value, ['packets', 'entered', 'runs'])) return false;
  const { files, readingNs, rulesets } = value;
  return isList(files, isText) && isSpread(readingNs) && isList(rulesets, isRuleset);
}

function isRuleset(value: unknown): boolean {
  const numbers = ['ruleCount', 'buildMs', 'packetsPerSecond', 'flowCachePackets', 'slowPathPackets'];
  if (!hasNumbers(value, numbers)) return false;
  const { file, costNs, bareNs, warnings, rules, chains, connections = 0 } = value;
  if (!Number.isFinite(connections)) return false;
  const areListed = isList(warnings, isText) && isList(rules, isRule) && isList(chains, isChain);
  return isText(file) && isSpread(costNs) && isSpread(bareNs) && areListed;
}

function isRule(value: unknown): boolean {
  if (!hasNumbers(value, ['number', 'asked', 'matched'])) return false;
  return isText(value.table) && isText(value.chain) && isText(value.rule) && isList(value.readsOfPacket, isText);
}

const isChain = (value: unknown): boolean =>
  hasNumbers(value, ['packets', 'asked']) && isText(value.table) && isText(value.chain);

const isSpread = (value: unknown): boolean => hasNumbers(value, ['median', 'min', 'max']);

const isText = (value: unknown): boolean => typeof value === 'string';

const isList = (value: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isOne);

function hasNumbers(value: unknown, names: readonly string[]): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => Number.isFinite((value as Record<string, unknown>)[name]));
}

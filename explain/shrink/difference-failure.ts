/** The failure that a case differs from its golden captures. */

import { checkCase } from '../../replay/check-case.js';
import type { Difference } from '../../replay/compare.js';
import type { GoldenCase } from '../../replay/golden-case.js';
import { framesOf, type ResultFrame } from '../../replay/result-folder.js';
import type { TemporaryFolder } from '../../replay/temporary-folder.js';
import type { CaseFile } from '../../replay/write-case.js';
import type { CapturedFrame } from './captured-frames.js';
import type { ModelFile } from './case-model.js';
import { isOfCounters, type KindOf, kindFinder } from './difference-kinds.js';
import { type Failure, NothingToShowError } from './failure.js';
import { observe } from './observed.js';
import { endsOf } from './traffic.js';
import { wantFiles } from './want-files.js';

/**
 * The first difference of GOLDEN.
 * @param words DIFFERENCE for people
 * @param folder where results are written
 * @throws {NothingToShowError} if there is none
 * @throws as `checkCase`
 */
export function differenceOf(
  golden: GoldenCase,
  words: (difference: Difference) => readonly string[],
  folder: TemporaryFolder,
): Failure {
  const [first] = checkCase(golden).differences;
  if (first === undefined)
    throw new NothingToShowError(`${golden.dir} does not differ from want/: all results are as they are wanted`);
  return new DifferenceFailure(golden, first, words(first), folder);
}

class DifferenceFailure implements Failure {
  readonly words: readonly string[];
  readonly notes: readonly string[];
  readonly #golden: GoldenCase;
  readonly #folder: TemporaryFolder;
  readonly #difference: Difference;
  readonly #wanted: readonly ResultFrame[];
  readonly #connectionEnds: readonly ReadonlySet<string>[];
  readonly #kindOf: KindOf;
  readonly #kind: string | undefined;

  constructor(golden: GoldenCase, difference: Difference, words: readonly string[], folder: TemporaryFolder) {
    this.#folder = folder;
    this.words = words;
    this.#golden = golden;
    this.#difference = difference;
    this.#wanted =
      difference.kind === 'frame' ? (framesOf(golden.wantDir, difference.device).get(difference.tsNs) ?? []) : [];
    this.#kindOf = kindFinder(difference, this.#wanted);
    this.#kind = this.#kindOf(observe(golden, this.#tsNs, folder));
    this.#connectionEnds = difference.kind === 'connection' ? endsIn(difference.wanted ?? difference.got ?? '') : [];
    const why = 'what is wanted does not tell which packets it is about, so all of them stay';
    this.notes = isAboutAll(difference) ? [why] : [];
  }

  files(): ModelFile[] {
    return [];
  }

  isShownBy(golden: GoldenCase): boolean {
    return this.#kind !== undefined && this.#kindOf(observe(golden, this.#tsNs, this.#folder)) === this.#kind;
  }

  isOffender(frame: CapturedFrame): boolean {
    const { kind } = this.#difference;
    if (kind === 'frame') return timeNs(frame) === this.#difference.tsNs;
    return kind === 'connection' && this.#isOfConnection(frame);
  }

  isFixed(frame: CapturedFrame): boolean {
    return isAboutAll(this.#difference) || this.isOffender(frame);
  }

  finish(golden: GoldenCase): CaseFile[] {
    const { dir } = observe(golden, undefined, this.#folder);
    return wantFiles(this.#difference, this.#wanted, dir, this.#golden.wantDir);
  }

  /** When the packets came that differ; undefined: it is not about a packet. */
  get #tsNs(): bigint | undefined {
    return this.#difference.kind === 'frame' ? this.#difference.tsNs : undefined;
  }

  /** Whether FRAME has the ends of the connection as it was opened or answered. */
  #isOfConnection(frame: CapturedFrame): boolean {
    const ends = endsOf(frame);
    return ends !== undefined && this.#connectionEnds.some((one) => one.has(ends.source) && one.has(ends.destination));
  }
}

/** Whether nothing says which packets DIFFERENCE depends on. */
function isAboutAll(difference: Difference): boolean {
  if (difference.kind === 'rule') return isOfCounters(difference);
  return (difference.kind === 'log' || difference.kind === 'set') && difference.wanted !== null;
}

/** The ends of both directions of the connection that LINE lists. */
function endsIn(line: string): ReadonlySet<string>[] {
  const protocol = /^\S+\s+\d+\s+\S+\s+(\d+)/.exec(line)?.[1] ?? '';
  return [...line.matchAll(/src=(\S+) dst=(\S+)(?: sport=(\d+) dport=(\d+))?/g)].map(
    ([, source, destination, sport, dport]) =>
      new Set([
        `${protocol} ${source}${sport === undefined ? '' : ` ${sport}`}`,
        `${protocol} ${destination}${dport === undefined ? '' : ` ${dport}`}`,
      ]),
  );
}

function timeNs({ tsSec, tsNsec }: CapturedFrame): bigint {
  return BigInt(tsSec) * 1_000_000_000n + BigInt(tsNsec);
}

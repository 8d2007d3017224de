/** The failure that a case cannot be replayed: an error, with an exit code. */
import { type GoldenCase, optionsOf } from '../../replay/golden-case.js';
import { replay } from '../../replay/replay.js';
import type { CaseFile } from '../../replay/write-case.js';
import type { ModelFile } from './case-model.js';
import { type Failure, NothingToShowError } from './failure.js';

/** What is told of an error, and the exit code of a command that ends with it. */
export interface ErrorReport {
  readonly message: string;
  readonly exitCode: number;
}
export type ReportError = (error: unknown) => ErrorReport;

/**
 * The error that ends a replay of GOLDEN.
 * @param exitCode that of the error that is asked for
 * @throws {NothingToShowError} if there is no such error
 */
export function errorFailureOf(golden: GoldenCase, exitCode: number, report: ReportError): Failure {
  const found = errorOf(golden, report);
  if (found?.exitCode === exitCode) return new ErrorFailure(golden, found, report);
  const what = found === undefined ? 'is replayed without an error' : `ends with exit code ${found.exitCode}`;
  const message = found === undefined ? '' : `: ${found.message}`;
  throw new NothingToShowError(`${golden.dir} ${what}, not with exit code ${exitCode}${message}`);
}

function errorOf(golden: GoldenCase, report: ReportError): ErrorReport | undefined {
  try {
    replay(optionsOf(golden));
    return undefined;
  } catch (error) {
    return report(error);
  }
}

class ErrorFailure implements Failure {
  readonly words: readonly string[];
  readonly notes: readonly string[] = [];
  readonly #exitCode: number;
  readonly #kind: string;
  readonly #report: ReportError;

  constructor(golden: GoldenCase, { message, exitCode }: ErrorReport, report: ReportError) {
    this.words = [`exit code ${exitCode}: ${message.split('\n')[0]}`];
    this.#exitCode = exitCode;
    this.#kind = kindsOf(message, golden.dir)[0];
    this.#report = report;
  }

  files(): ModelFile[] {
    return [];
  }

  /** Of several lines, such as one for each rule that is not supported, the first is what stays. */
  isShownBy(golden: GoldenCase): boolean {
    const found = errorOf(golden, this.#report);
    return found?.exitCode === this.#exitCode && kindsOf(found.message, golden.dir).includes(this.#kind);
  }

  isOffender(): boolean {
    return false;
  }

  isFixed(): boolean {
    return false;
  }

  finish(): CaseFile[] {
    return [];
  }
}

/** What the lines of MESSAGE say, without where: folders, lines and numbers of frames are others in a smaller case. */
function kindsOf(message: string, dir: string): string[] {
  return message.split('\n').map((line) =>
    line
      .replaceAll(`${dir}/`, '')
      .replace(/:\d+(?::\d+)?(?=:|\b)/g, '')
      .replace(/\bframe \d+/g, 'frame')
      .replace(/ \((?:in all )?\d+ times.*?\)| \(lines? [\d, –-]+.*?\)/g, ''),
  );
}

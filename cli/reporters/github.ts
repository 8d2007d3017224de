/**
 * GitHub Actions: annotations, which pull requests show beside the lines that they are about, as workflow commands on
 * standard output, and all of it in the summary of the step.
 *
 * How the runner reads commands is in its source (ActionCommand.cs, IssueCommandExtension), which also shows ten
 * annotations of a kind at most for a step, 4096 characters of each, and adds one of its own for the exit code.
 */

import { counted, shown, shownLines } from '../../codecs/text.js';
import { formatPlace } from '../../explain/findings.js';
import { pathWithin } from '../../io/path.js';
import {
  type CheckedCase,
  type CheckedTest,
  hasPassed,
  type Reporter,
  saidOfError,
  type TestPlace,
  type TextWriter,
} from './model.js';
import { culpritOf, deciderLines, placeOfError } from './places.js';

const MOST_OF_A_KIND = 9;
const LONGEST_MESSAGE = 4096;
/** What the Checks API takes. */
const LONGEST_TITLE = 255;

export interface GithubOptions {
  /** Whether others print to standard output: text of theirs must not be taken for a command. */
  readonly isShared: boolean;
  /** The folder of the repository; undefined: the current folder. */
  readonly workspace: string | undefined;
  /** What else is told of the cases, where there is a summary. */
  readonly summary: Reporter | undefined;
}

interface Annotation {
  readonly kind: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
  readonly place?: TestPlace | undefined;
}

export class GithubReporter implements Reporter {
  readonly #out: TextWriter;
  readonly #options: GithubOptions;
  readonly #annotations: Annotation[] = [];
  #failures = 0;
  #warnings = 0;
  #token: string | undefined;

  constructor(out: TextWriter, options: GithubOptions) {
    this.#out = out;
    this.#options = options;
  }

  get #workspace(): string {
    return this.#options.workspace ?? '.';
  }

  begin(dirs: readonly string[]): void {
    this.#options.summary?.begin?.(dirs);
    if (!this.#options.isShared) return;
    this.#token = crypto.randomUUID();
    this.#out.write(`::stop-commands::${this.#token}\n`);
  }

  finished(one: CheckedCase): void {
    this.#options.summary?.finished(one);
    const { dir, tests, warnings, error } = one;
    for (const warning of warnings) this.#warn({ kind: 'warning', title: dir, message: warning });
    for (const { name, note, place } of tests)
      if (note !== undefined) this.#warn({ kind: 'warning', title: `${dir}: ${name}`, message: note, place });
    if (hasPassed(one)) return;
    for (const test of tests) if (test.status === 'failed') this.#fail(this.#annotationOf(dir, test));
    if (error === undefined) return;
    const { message } = error;
    this.#fail({
      kind: 'error',
      title: `${dir}${error.isExpectation ? ': ' : ' '}${saidOfError(error)}`,
      message,
      place: placeOfError(message, this.#workspace),
    });
  }

  end(): void {
    this.discard();
    for (const annotation of this.#annotations) this.#out.write(`${this.#command(annotation)}\n`);
    const left = [...leftOut(this.#failures, 'failure'), ...leftOut(this.#warnings, 'warning')];
    if (left.length > 0) {
      const message = `${left.join(' and ')} without annotation: the summary of this step has all of them`;
      this.#out.write(`${this.#command({ kind: 'notice', title: 'nfreplay check', message })}\n`);
    }
    this.#options.summary?.end();
  }

  /** Commands work again. */
  discard(): void {
    if (this.#token !== undefined) this.#out.write(`::${this.#token}::\n`);
    this.#token = undefined;
  }

  #fail(annotation: Annotation): void {
    if (this.#failures++ < MOST_OF_A_KIND) this.#annotations.push(annotation);
  }

  #warn(annotation: Annotation): void {
    if (this.#warnings++ < MOST_OF_A_KIND) this.#annotations.push(annotation);
  }

  #annotationOf(dir: string, test: CheckedTest): Annotation {
    const { name, message = 'failed', place } = test;
    const culprit = culpritOf(this.#workspace, test);
    const lines = [message];
    if (culprit !== place && place !== undefined) lines.push(`expected by ${formatPlace(place)}`);
    if (culprit === place) lines.push(...deciderLines(test));
    return { kind: 'error', title: `${dir}: ${name}`, message: lines.join('\n'), place: culprit };
  }

  #command({ kind, title, message, place }: Annotation): string {
    const { file, line, column } = place ?? {};
    const path = file === undefined ? undefined : pathWithin(this.#workspace, file);
    const properties = [
      ...(path === undefined ? [] : [`file=${escapeProperty(shown(path))}`, `line=${line}`]),
      ...(path === undefined || column === undefined ? [] : [`col=${column}`]),
      `title=${escapeProperty(cut(shown(title), LONGEST_TITLE))}`,
    ];
    return `::${kind} ${properties.join(',')}::${escapeData(cut(shownLines(message), LONGEST_MESSAGE))}`;
  }
}

function leftOut(all: number, kind: string): string[] {
  const left = all - MOST_OF_A_KIND;
  return left <= 0 ? [] : [counted(left, `more ${kind}`)];
}

/** TEXT as the value of a command. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** TEXT as a property of a command. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** The first LENGTH UTF-16 code units of TEXT, as the runner counts, and no half of a character. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = length - ' …'.length;
  const code = text.charCodeAt(end - 1);
  return `${text.slice(0, code >= 0xd800 && code <= 0xdbff ? end - 1 : end)} …`;
}

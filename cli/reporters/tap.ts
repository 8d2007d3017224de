/** TAP version 14 (testanything.org): a point a test, all at top level, and the plan at the end. */
import { shown, shownLines } from '../../codecs/text.js';
import {
  type CheckedCase,
  type CheckedTest,
  type DetailLayout,
  type Reporter,
  type TextWriter,
  testOfError,
} from './model.js';
import { placeOfError } from './places.js';

export class TapReporter implements Reporter {
  readonly #out: TextWriter;
  readonly #layout: DetailLayout;
  #points = 0;

  constructor(out: TextWriter, layout: DetailLayout) {
    this.#out = out;
    this.#layout = layout;
  }

  begin(): void {
    this.#out.write('TAP version 14\n');
  }

  finished({ dir, tests, error, warnings, notes }: CheckedCase): void {
    for (const test of tests) {
      this.#point(test.status === 'passed', dir, test.name);
      if (test.status === 'failed') this.#diagnose(test);
    }
    if (error !== undefined) {
      this.#point(false, dir, testOfError(error));
      const place = placeOfError(error.message);
      this.#block([
        `message: ${quoted(error.message)}`,
        ...(place === undefined ? [] : ['at:', ...placeLines(place)]),
        `exitCode: ${error.exitCode}`,
      ]);
    }
    for (const warning of warnings) this.#comment(`${dir}: warning: ${warning}`);
    for (const note of notes) this.#comment(`${dir}: ${note}`);
  }

  end(): void {
    this.#out.write(`1..${this.#points}\n`);
  }

  #point(isOk: boolean, dir: string, name: string): void {
    this.#points++;
    this.#out.write(`${isOk ? 'ok' : 'not ok'} ${this.#points} - ${description(`${dir}: ${name}`)}\n`);
  }

  #diagnose(test: CheckedTest): void {
    const { message, place, decidedBy } = test;
    const details = (test.details?.(this.#layout) ?? []).flatMap((line) => shownLines(line).split('\n'));
    this.#block([
      ...(message === undefined ? [] : [`message: ${quoted(message)}`]),
      ...(place === undefined ? [] : ['at:', ...placeLines(place)]),
      ...(decidedBy === undefined ? [] : ['decidedBy:', ...placeLines(decidedBy)]),
      // The indentation is said: the first line may begin with blanks of its own.
      ...(details.length === 0 ? [] : ['details: |2-', ...details.map((line) => `  ${line}`)]),
    ]);
  }

  #block(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#out.write(['  ---', ...lines.map((line) => `  ${line}`.trimEnd()), '  ...', ''].join('\n'));
  }

  #comment(text: string): void {
    this.#out.write(`# ${shown(text)}\n`);
  }
}

/**
 * NAME as it stands in a point, where `#` would begin a directive. Parsers that also read older forms, such as
 * tap-parser, take a brace at the end for the beginning of a block, so that one gets a full stop.
 */
function description(name: string): string {
  const escaped = shown(name).replace(/[\\#]/g, '\\$&');
  return /\{\s*$/.test(escaped) ? `${escaped}.` : escaped;
}

/** TEXT as a double-quoted scalar of YAML: JSON is one. */
function quoted(text: string): string {
  return JSON.stringify(shownLines(text));
}

function placeLines({ file, line, column }: { file: string; line: number; column?: number }): string[] {
  return [`  file: ${quoted(file)}`, `  line: ${line}`, ...(column === undefined ? [] : [`  column: ${column}`])];
}

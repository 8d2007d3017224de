/**
 * The summary of a step in GitHub Actions, in Markdown: every failed test with its trace, then all cases. GitHub takes
 * 1 MiB a step, and nothing of what is longer (CreateStepSummaryCommand in the runner's source).
 */
import { appendFileSync, statSync } from 'node:fs';
import { shown, shownLines } from '../../codecs/text.js';
import { formatPlace } from '../../explain/findings.js';
import { systemMessage } from '../../io/file-error.js';
import { count } from '../number.js';
import {
  type CheckedCase,
  type CheckedTest,
  type DetailLayout,
  NOTHING,
  type Reporter,
  saidOfError,
  type Totals,
  withCase,
} from './model.js';
import { deciderLines } from './places.js';

const MOST_BYTES = 2 ** 20;
/** For the words about what does not fit. */
const KEPT_BYTES = 1000;

export interface SummaryOptions {
  /** The file that GITHUB_STEP_SUMMARY names. */
  readonly path: string;
  readonly layout: DetailLayout;
  /** Told if the file cannot be written: that is no reason to fail. */
  warn(warning: string): void;
}

export class GithubSummary implements Reporter {
  readonly #options: SummaryOptions;
  readonly #failures: Part;
  readonly #warnings: Part;
  readonly #rows: Part;
  #totals: Totals = NOTHING;
  #room: number;

  constructor(options: SummaryOptions) {
    this.#options = options;
    this.#room = MOST_BYTES - KEPT_BYTES - sizeOf(options.path);
    const take = (bytes: number): boolean => {
      if (bytes > this.#room) return false;
      this.#room -= bytes;
      return true;
    };
    this.#failures = new Part(take);
    this.#warnings = new Part(take);
    this.#rows = new Part(take);
  }

  finished(one: CheckedCase): void {
    const { dir, tests, error, warnings, seconds } = one;
    const { layout } = this.#options;
    this.#totals = withCase(this.#totals, one);
    for (const test of tests) {
      if (test.status === 'passed') continue;
      const lines = summaryLines(test);
      const details = (test.details?.(layout) ?? []).map(shownLines);
      this.#failures.add(section(dir, test.name, lines, details), section(dir, test.name, lines, []));
    }
    if (error !== undefined) this.#failures.add(section(dir, saidOfError(error), [], [shownLines(error.message)]));
    for (const { name, note } of tests)
      if (note !== undefined) this.#warnings.add(`- ${text(dir)}: ${text(name)}: ${text(note)}\n`);
    for (const warning of warnings) this.#warnings.add(`- ${text(dir)}: ${text(warning)}\n`);
    const { passed, failed } = withCase(NOTHING, one);
    const mark = error !== undefined ? '🚫' : failed > 0 ? '❌' : '✅';
    this.#rows.add(`| ${mark} | ${text(dir)} | ${passed} | ${failed} | ${seconds.toFixed(1)} s |\n`);
  }

  end(): void {
    const { path, warn } = this.#options;
    try {
      appendFileSync(path, this.#markdown());
    } catch (error) {
      warn(`${path} cannot be written: ${systemMessage(error)}`);
    }
  }

  #markdown(): string {
    const { passed, failed, errors } = this.#totals;
    const results = [`${passed} passed`, `${failed} failed`];
    if (errors > 0) results.push(`${count(errors, 'case')} not replayed`);
    return [
      `## nfreplay check: ${results.join(', ')}\n`,
      this.#failures.text('failures'),
      this.#warnings.has ? `### Warnings\n\n${this.#warnings.text('warnings')}` : '',
      `| | case | passed | failed | time |\n|---|---|--:|--:|--:|\n${this.#rows.text('cases')}`,
    ]
      .filter((part) => part !== '')
      .join('\n');
  }
}

/** A part of the summary, which grows as long as there is room. */
class Part {
  readonly #take: (bytes: number) => boolean;
  readonly #kept: string[] = [];
  #left = 0;

  /** TAKE: whether so many bytes still fit, which are then taken. */
  constructor(take: (bytes: number) => boolean) {
    this.#take = take;
  }

  get has(): boolean {
    return this.#kept.length + this.#left > 0;
  }

  /** Keeps the first of FORMS that fits. */
  add(...forms: readonly string[]): void {
    const found = forms.find((form) => this.#take(Buffer.byteLength(form)));
    if (found === undefined) this.#left++;
    else this.#kept.push(found);
  }

  text(kind: string): string {
    const more = this.#left === 0 ? [] : [`\n${this.#left} more ${kind} do not fit: a summary has at most 1 MiB.\n`];
    return [...this.#kept, ...more].join('');
  }
}

function summaryLines(test: CheckedTest): string[] {
  const { message, place } = test;
  return [
    ...(message === undefined ? [] : [text(message)]),
    ...(place === undefined ? [] : [`expected by ${text(formatPlace(place))}`]),
    ...deciderLines(test).map(text),
  ];
}

/** What can be unfolded: LINES of Markdown, and DETAILS as they are. */
function section(dir: string, name: string, lines: readonly string[], details: readonly string[]): string {
  const heading = `<details><summary>❌ ${text(dir)}: <b>${text(name)}</b></summary>`;
  const code = details.join('\n');
  const fence = '`'.repeat(Math.max(3, ...(code.match(/`+/g) ?? []).map(({ length }) => length + 1)));
  return [
    heading,
    '',
    // A backslash at the end of a line breaks it.
    ...(lines.length === 0 ? [] : [lines.join('\\\n'), '']),
    ...(code === '' ? [] : [`${fence}text`, code, fence, '']),
    '</details>\n\n',
  ].join('\n');
}

/** ASCII punctuation, but for commas, slashes, and dots within words. */
const MAY_MEAN = /(?:\.(?!\w)|[!-+:-@[-`{-~-])/g;

/** VALUE in Markdown, and in HTML within it: a character that is written by its number has no meaning there. */
function text(value: string): string {
  return shown(value).replace(MAY_MEAN, (char) => `&#${char.charCodeAt(0)};`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

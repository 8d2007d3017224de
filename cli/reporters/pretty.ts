/** For people: a line a case, and below it all tests of a single case, or else those that failed. */
import { shown } from '../../codecs/text.js';
import { formatPlace } from '../../explain/findings.js';
import { wrapAfter } from '../../explain/text/columns.js';
import { count } from '../number.js';
import {
  type CheckedCase,
  type CheckedTest,
  type DetailLayout,
  hasPassed,
  NOTHING,
  type Reporter,
  saidOfError,
  type TextWriter,
  type Totals,
  withCase,
} from './model.js';
import { deciderLines } from './places.js';

/** `failed` and two blanks. */
const WORD_WIDTH = 8;
const INDENT = '  ';
const MORE_INDENT = '    ';
/** Names of folders take no more than this share of a line before what is said of them goes below. */
const NAME_SHARE = 0.6;

export interface PrettyOptions {
  /** Whether warnings and errors are told here too, and not on standard error alone. */
  readonly tellsAll: boolean;
}

export class PrettyReporter implements Reporter {
  readonly #out: TextWriter;
  readonly #layout: DetailLayout;
  readonly #tellsAll: boolean;
  #totals: Totals = NOTHING;
  #cases = 0;
  /** Cases whose expect.yaml is faulty. */
  #unread = 0;
  #isSingle = false;
  #nameWidth = 0;

  constructor(out: TextWriter, layout: DetailLayout, { tellsAll }: PrettyOptions) {
    this.#out = out;
    this.#layout = layout;
    this.#tellsAll = tellsAll;
  }

  begin(dirs: readonly string[]): void {
    this.#isSingle = dirs.length === 1;
    const most = Math.floor(this.#layout.width * NAME_SHARE);
    this.#nameWidth = Math.max(0, ...dirs.map((dir) => shown(dir).length).filter((length) => length <= most));
  }

  finished(one: CheckedCase): void {
    this.#totals = withCase(this.#totals, one);
    this.#cases++;
    if (one.error?.isExpectation) this.#unread++;
    const lines = this.#headline(one);
    if (this.#tellsAll) lines.push(...this.#paragraphs('warning: ', one.warnings));
    if (this.#isSingle)
      lines.push(...one.tests.filter(({ status }) => status === 'passed').map((test) => this.#ok(test)));
    if (this.#isSingle || !hasPassed(one) || one.tests.some(({ note }) => note !== undefined))
      lines.push(...this.#paragraphs('', one.notes));
    const failed = one.tests.filter(({ status }) => status === 'failed').flatMap((test) => ['', ...this.#failed(test)]);
    lines.push(...failed);
    if (one.error !== undefined && this.#tellsAll) lines.push(...this.#paragraphs('', one.error.message.split('\n')));
    if (failed.length > 0) lines.push('');
    this.#out.write(lines.map((line) => `${line}\n`).join(''));
  }

  end(): void {
    const { passed, failed, errors } = this.#totals;
    const { style } = this.#layout;
    const said = [
      [errors - this.#unread, 'could not be replayed'],
      [this.#unread, 'not checked, as expect.yaml cannot be read'],
    ] as const;
    // Of a single case, the line above has said so.
    for (const [cases, what] of this.#isSingle ? [] : said)
      if (cases > 0) this.#out.write(`${style.red(`${count(cases, 'case')} ${what}`)}\n`);
    const bad = `${failed} failed`;
    const cases = this.#cases === 1 ? '' : `${count(this.#cases, 'case')}: `;
    this.#out.write(`${cases}${passed} passed, ${failed > 0 ? style.red(bad) : bad}\n`);
  }

  #headline(one: CheckedCase): string[] {
    const { style, width } = this.#layout;
    const { dir, tests, error } = one;
    const failed = tests.filter(({ status }) => status === 'failed').length;
    const isGood = failed === 0 && error === undefined;
    const [word, said] =
      error !== undefined
        ? ['error', saidOfError(error)]
        : failed > 0
          ? ['failed', `${failed} of ${count(tests.length, 'test')}`]
          : ['ok', extentOf(one)];
    const name = shown(dir).padEnd(said === '' ? 0 : this.#nameWidth);
    const line = `${word.padEnd(WORD_WIDTH)}${name}`;
    const painted = (isGood ? style.green : style.red)(word);
    if (line.length + INDENT.length + said.length <= width && said !== '')
      return [`${painted}${line.slice(word.length)}${INDENT}${isGood ? style.dim(said) : said}`];
    const [first, ...more] = wrapAfter(' '.repeat(WORD_WIDTH), shown(dir), width);
    return [`${painted}${first.slice(word.length)}`, ...more, ...this.#paragraphs('', said === '' ? [] : [said])];
  }

  #ok({ name }: CheckedTest): string {
    const { style, width } = this.#layout;
    const [first, ...more] = wrapAfter(`${INDENT}ok  `, shown(name), width);
    return [`${INDENT}${style.green('ok')}${first.slice(`${INDENT}ok`.length)}`, ...more].join('\n');
  }

  #failed(test: CheckedTest): string[] {
    const { style, width, names } = this.#layout;
    const { name, place, message } = test;
    const [first, ...more] = wrapAfter(INDENT, shown(name), width);
    const lines = [style.bold(first), ...more.map(style.bold)];
    const places = [...(place === undefined ? [] : [formatPlace(place)]), ...deciderLines(test)];
    if (places.length > 0) lines.push(...wrapAfter(MORE_INDENT, places.join(', '), width).map(style.dim));
    if (message !== undefined) lines.push(...wrapAfter(MORE_INDENT, shown(message), width).map(style.red));
    const inner = { style, names, width: width - MORE_INDENT.length };
    const details = test.details?.(inner) ?? [];
    if (details.length > 0) lines.push('', ...details.map((line) => (line === '' ? '' : `${MORE_INDENT}${line}`)));
    return lines;
  }

  #paragraphs(prefix: string, texts: readonly string[]): string[] {
    const { width, style } = this.#layout;
    return texts.flatMap((text) => wrapAfter(`${INDENT}${prefix}`, shown(text), width).map(style.dim));
  }
}

function extentOf({ extent, tests }: CheckedCase): string {
  const parts = tests.length > 1 ? [count(tests.length, 'test')] : [];
  if (extent !== undefined)
    parts.push(count(extent.frames, 'packet'), count(extent.rules, 'rule'), count(extent.connections, 'connection'));
  return parts.join(', ');
}

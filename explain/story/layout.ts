/** Puts the rows of a story into columns: hook, label, what happened, and at the right why or what came of it. */
import { shown } from '../../codecs/text.js';
import { NO_BREAK, wrap } from '../text/columns.js';
import type { Style } from '../text/style.js';
import type { Row, Tone } from './rows.js';
import type { RuleParts } from './rule-words.js';

const GAP = 2;
/** The width of the first column, also of what is said below the rows: the longest hook, and a gap. */
export const LEAD = 13;
/** The least room for what happened beside the hook and the label. Where there is less, hooks have lines of their own. */
const LEAST_TEXT = 34;
/** The share of the line that the column at the right takes, at most. */
const RIGHT_SHARE = 0.3;
const LONGEST_LABEL = 16;
const INDENT = 2;
/** Longer targets are shortened to their names if the rule does not fit on a line. */
const LONGEST_TARGET = 16;

interface Widths {
  /** 0: hooks have lines of their own. */
  readonly hook: number;
  readonly label: number;
  readonly text: number;
  /** 0: what is at the right goes behind the text, or below it. */
  readonly right: number;
  /** From the text to the end of the line. */
  readonly line: number;
}

/** ROWS as lines of at most WIDTH characters, as far as words allow it. */
export function layout(rows: readonly Row[], width: number, style: Style): string[] {
  const widths = widthsFor(rows, width);
  return rows.flatMap((row) => {
    const lines = linesOf(row, widths, style);
    if (row.hook === undefined || widths.hook > 0) return lines;
    return [style.bold(row.hook), ...lines];
  });
}

function widthsFor(rows: readonly Row[], width: number): Widths {
  const label = Math.min(LONGEST_LABEL, Math.max(0, ...rows.map((row) => row.label.length))) + GAP;
  const right = Math.min(Math.floor(width * RIGHT_SHARE), Math.max(0, ...rows.map((row) => row.right.length)));
  const beside = width - LEAD - label - right - GAP;
  if (beside >= LEAST_TEXT)
    return { hook: LEAD, label, text: longestLine(rows, beside), right, line: beside + GAP + right };
  const below = width - INDENT - label - right - GAP;
  if (below >= LEAST_TEXT) return { hook: 0, label, text: longestLine(rows, below), right, line: below + GAP + right };
  const line = width - INDENT - label;
  return { hook: 0, label, text: line, right: 0, line };
}

/** The longest line of ROWS that has something at its right, in a column of WIDTH. */
function longestLine(rows: readonly Row[], width: number): number {
  const beside = rows.filter(({ right }) => right !== '');
  return Math.max(0, ...beside.flatMap((row) => textLines(row, width).map((line) => line.length)));
}

function linesOf(row: Row, widths: Widths, style: Style): string[] {
  const { label, tone, hook } = row;
  const right = shown(row.right);
  const lead = widths.hook === 0 ? ' '.repeat(INDENT) : style.bold((hook ?? '').padEnd(widths.hook));
  const blank = ' '.repeat(widths.hook === 0 ? INDENT : widths.hook);
  const isWide = right === '' && widths.right > 0;
  const texts = textLines(row, isWide ? widths.line : widths.text);
  const rights = right === '' ? [] : widths.right > 0 ? wrap(right, widths.right) : [];
  const emphasis = emphasisOf(tone, style);
  const lines = Array.from({ length: Math.max(texts.length, rights.length) }, (_, i) => {
    const cell = `${(i === 0 ? label : '').padEnd(widths.label)}${texts[i] ?? ''}`;
    const beside = rights[i] ?? '';
    const padded = beside === '' ? cell : cell.padEnd(widths.label + widths.text + GAP);
    return `${i === 0 ? lead : blank}${emphasis.text(padded)}${emphasis.right(beside)}`.trimEnd();
  });
  if (widths.right > 0 || right === '') return lines;
  return withRightBelow(lines, texts[texts.length - 1], right, widths, emphasis.right);
}

/** LINES with RIGHT behind the last one, whose text is LAST, or below it. */
function withRightBelow(
  lines: readonly string[],
  last: string,
  right: string,
  widths: Widths,
  emphasize: (text: string) => string,
): string[] {
  if (last.length + GAP + right.length <= widths.text)
    return [...lines.slice(0, -1), `${lines[lines.length - 1]}${' '.repeat(GAP)}${emphasize(right)}`];
  const indent = ' '.repeat(INDENT + widths.label + GAP);
  return [...lines, ...wrap(right, widths.text - GAP).map((line) => indent + emphasize(line))];
}

interface Emphasis {
  text(text: string): string;
  right(text: string): string;
}

function emphasisOf(tone: Tone, style: Style): Emphasis {
  const same = (text: string): string => text;
  switch (tone) {
    case 'accept':
      return { text: same, right: style.green };
    case 'stop':
      return { text: same, right: style.red };
    case 'nearest':
      return { text: same, right: style.yellow };
    case 'miss':
      return { text: style.dim, right: style.dim };
    default:
      return { text: same, right: same };
  }
}

/** The text of ROW: whole, on as many lines as it needs, or if it is a rule in parts, shortened to one. */
function textLines({ text, isOneLine = false }: Row, width: number): string[] {
  if (typeof text === 'string') {
    const lines = wrapRule(shown(text), isOneLine ? width - ' …'.length : width);
    return isOneLine && lines.length > 1 ? [`${lines[0]} …`] : lines;
  }
  const { target } = text;
  const [option, name] = target.split(' ');
  const hasMore = target.split(' ').length > 2;
  const short = hasMore && target.length > LONGEST_TARGET ? `${option} ${name} …` : target;
  const forms = [[...text.tests, target], ...shortened(text).map((tests) => [...tests, short])];
  // Of those that take as few lines as any, the one that says most.
  return forms
    .map((parts) => wrapRule(shown(parts.join(' ')), width))
    .reduce((best, lines) => (lines.length < best.length ? lines : best));
}

/** The tests of a rule, and then fewer and fewer: from the end, they give way to the one that must stay. */
function shortened({ tests, kept }: RuleParts): string[][] {
  return Array.from({ length: tests.length + 1 }, (_, left) => {
    const isLeft = (i: number): boolean => i < tests.length - left || i === kept;
    return tests.flatMap((test, i) => (isLeft(i) ? [test] : i === 0 || isLeft(i - 1) ? ['…'] : []));
  });
}

/** An option and its value stay together. */
function wrapRule(text: string, width: number): string[] {
  const kept = text.replace(/(^| )(--?[a-z][\w-]*) (?=[^ !-])/gi, `$1$2${NO_BREAK}`);
  return wrap(kept, width).map((line) => line.replaceAll(NO_BREAK, ' '));
}

/** Text in columns and paragraphs that fit a terminal. */
import { shown } from '../../codecs/text.js';
import type { TextOutput } from './style.js';

export type Align = 'left' | 'right';

const INDENT = 2;
const GAP = 2;
/** How much further the continuation lines of a row are indented that does not fit on one line. */
const CONTINUED_INDENT = 4;
/** A last column of text is wrapped beside the others if this share of the line is left; else it starts a new line. */
const WRAPPED_SHARE = 0.4;

/** The width of text that does not go to a terminal. */
const PIPED_WIDTH = 120;
/** Narrower terminals are treated as this wide. */
const MIN_WIDTH = 40;

/** The width of STREAM: COLUMNS if it is set, or that of the terminal, or a fixed one. */
export function widthOf(stream: TextOutput, env = process.env): number {
  const asked = Number(env.COLUMNS);
  const width = Number.isSafeInteger(asked) && asked > 0 ? asked : stream.isTTY ? stream.columns : undefined;
  return Math.max(MIN_WIDTH, width || PIPED_WIDTH);
}

/**
 * Formats ROWS as lines, each column as wide as its widest cell, with two blanks before each column. Rows longer than
 * WIDTH continue on the next line, and a last column of text is wrapped.
 */
export function columns(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  width = Number.POSITIVE_INFINITY,
  indent = INDENT,
): string[] {
  return linesOfRows(rows, aligns, width, indent).flat();
}

/** Emphasizes TEXT, the cell of a row, both counted from 0, or the part of it that fits on a line. */
type CellPainter = (text: string, row: number, column: number) => string;

/** The same, the lines of each row by themselves. PAINT must not change what is seen of a cell but its colour. */
export function linesOfRows(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  width: number,
  indent = INDENT,
  paint: CellPainter = (text) => text,
): string[][] {
  const cells = rows.map((row) => aligns.map((_, column) => shown(row[column] ?? '')));
  const widths = aligns.map((_, column) => Math.max(0, ...cells.map((row) => row[column].length)));
  // An empty column takes no space.
  const filled = aligns.map((_, column) => column).filter((column) => widths[column] > 0);
  const last = filled.at(-1);
  const lines = splitColumns(filled, widths, aligns, width, indent);
  return cells.map((row, number) =>
    lines.flatMap((columnsOfLine, line) => {
      const start = ' '.repeat(line === 0 ? indent : indent + CONTINUED_INDENT);
      const isWrapped = columnsOfLine.at(-1) === last && last !== undefined && aligns[last] === 'left';
      const beside = isWrapped ? columnsOfLine.slice(0, -1) : columnsOfLine;
      const joined = (cellOf: (column: number) => string): string =>
        start +
        beside
          .map((column) => {
            const blank = ' '.repeat(widths[column] - row[column].length);
            const cell = cellOf(column);
            return (aligns[column] === 'right' ? blank + cell : cell + blank) + ' '.repeat(GAP);
          })
          .join('');
      const text = joined((column) => row[column]);
      const painted = joined((column) => paint(row[column], number, column));
      if (isWrapped) {
        if (row[last] === '' && beside.length === 0) return [];
        return wrapped(text, row[last], width, painted, (part) => paint(part, number, last));
      }
      if (text.trim() === '') return [];
      return text.trimEnd().length <= width ? [painted.trimEnd()] : wrapAfter('', text.trimEnd(), width);
    }),
  );
}

/** PREFIX and TEXT as `wrapAfter` has them, where PREFIX looks like PAINTED, and each part of TEXT as PAINT has it. */
function wrapped(
  prefix: string,
  text: string,
  width: number,
  painted: string,
  paint: (part: string) => string,
): string[] {
  const indent = ' '.repeat(prefix.length);
  const lines = text === '' ? [''] : wrapAfter(indent, text, width);
  return lines.map((line, i) => {
    const part = line.slice(indent.length);
    return part === '' ? (i === 0 ? painted : '').trimEnd() : `${i === 0 ? painted : indent}${paint(part)}`;
  });
}

/** Which columns share a line. */
function splitColumns(
  filled: readonly number[],
  widths: readonly number[],
  aligns: readonly Align[],
  width: number,
  indent: number,
): number[][] {
  const lines: number[][] = [[]];
  let used = indent - GAP;
  for (const column of filled) {
    const left = width - used - GAP;
    const isLastText = column === filled.at(-1) && aligns[column] === 'left';
    const fits = widths[column] <= left || (isLastText && left >= width * WRAPPED_SHARE);
    if (!fits && lines[lines.length - 1].length > 0) {
      lines.push([]);
      used = indent + CONTINUED_INDENT - GAP;
    }
    lines[lines.length - 1].push(column);
    used += GAP + widths[column];
  }
  return lines;
}

/** A blank at which text is not wrapped. */
export const NO_BREAK = '\u00a0';

/** PREFIX and TEXT as lines of at most WIDTH characters. Further lines are indented by the length of PREFIX. */
export function wrapAfter(prefix: string, text: string, width: number): string[] {
  const lines = wrap(text, Math.max(1, width - prefix.length));
  const indent = ' '.repeat(prefix.length);
  return lines.map((line, i) => `${i === 0 ? prefix : indent}${line.replaceAll(NO_BREAK, ' ')}`.trimEnd());
}

/** A word of a shell command, which may have blanks within quotes. */
const SHELL_WORD = /(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+|\S/g;

/**
 * PREFIX and COMMAND as lines of at most WIDTH characters, but for words that are longer. Each line but the last ends
 * with a backslash: a shell that is given them takes them for one command, never the first for one of its own.
 */
export function wrapCommand(prefix: string, command: string, width: number): string[] {
  if (prefix.length + command.length <= width) return [prefix + command];
  const room = width - prefix.length - ' \\'.length;
  const lines: string[] = [];
  for (const word of command.match(SHELL_WORD) ?? []) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${' '.repeat(CONTINUED_INDENT)}${word}`);
  }
  return lines.map(
    (line, i) => `${i === 0 ? prefix : ' '.repeat(prefix.length)}${line}${i < lines.length - 1 ? ' \\' : ''}`,
  );
}

/** TEXT as lines of at most WIDTH characters, wrapped at blanks where possible. */
export function wrap(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    // Blanks that indent the text are no place to break.
    const indent = rest.length - rest.trimStart().length;
    const blank = rest.lastIndexOf(' ', width);
    const end = blank > indent ? blank : width;
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return rest === '' ? lines : [...lines, rest];
}

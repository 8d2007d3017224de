import { shown } from '../codecs/text.js';

export type Align = 'left' | 'right';

const INDENT = 2;
const GAP = 2;
/** Indent of the continuation lines of a row that does not fit on one line. */
const CONTINUED_INDENT = 6;
/** A last column of text is truncated to the rest of the line if at least this much is left; else it wraps. */
const SHORTEST_CUT = 24;

/**
 * Formats ROWS as lines, each column as wide as its widest cell, with two blanks before each column. Rows longer than
 * WIDTH continue on the next line; what still does not fit is truncated.
 */
export function columns(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = rows.map((row) => aligns.map((_, column) => shown(row[column] ?? '')));
  const widths = aligns.map((_, column) => Math.max(0, ...cells.map((row) => row[column].length)));
  // An empty column takes no space.
  const filled = aligns.map((_, column) => column).filter((column) => widths[column] > 0);
  const lines = splitColumns(filled, widths, aligns, width);
  return cells.flatMap((row) =>
    lines.flatMap((columnsOfLine, line) => {
      const indent = line === 0 ? INDENT : CONTINUED_INDENT;
      const texts = columnsOfLine.map((column) =>
        aligns[column] === 'right' ? row[column].padStart(widths[column]) : row[column].padEnd(widths[column]),
      );
      const text = texts.join(' '.repeat(GAP)).trimEnd();
      return text === '' ? [] : [cut(' '.repeat(indent) + text, width)];
    }),
  );
}

/** Which columns share a line. */
function splitColumns(
  filled: readonly number[],
  widths: readonly number[],
  aligns: readonly Align[],
  width: number,
): number[][] {
  const lines: number[][] = [[]];
  let used = INDENT - GAP;
  for (const column of filled) {
    const left = width - used - GAP;
    const isLastText = column === filled.at(-1) && aligns[column] === 'left';
    const fits = widths[column] <= left || (isLastText && left >= SHORTEST_CUT);
    if (!fits && lines[lines.length - 1].length > 0) {
      lines.push([]);
      used = CONTINUED_INDENT - GAP;
    }
    lines[lines.length - 1].push(column);
    used += GAP + widths[column];
  }
  return lines;
}

/** TEXT, truncated to WIDTH characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

import { printable } from './printable.js';

export type Align = 'left' | 'right';

const INDENT = 2;
const GAP = 2;
/** Of the second and further lines of a row that does not fit on one. */
const CONTINUED_INDENT = 6;
/** A last column of text is cut to what is left of the line, where that is at least as much. */
const SHORTEST_CUT = 24;

/**
 * ROWS as lines, each column as wide as its widest cell, two blanks between columns, two before the first. Rows that are longer than
 * WIDTH go on in the next line; what is still too long there is cut.
 */
export function columns(
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = rows.map((row) => aligns.map((_, column) => printable(row[column] ?? '')));
  const widths = aligns.map((_, column) => Math.max(0, ...cells.map((row) => row[column].length)));
  // A column in which nothing stands takes no room.
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

/** TEXT, of at most WIDTH characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

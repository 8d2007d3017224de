export type Align = 'left' | 'right';

/** ROWS as lines, each column as wide as its widest cell, two blanks between columns, two before the first. */
export function columns(rows: readonly (readonly string[])[], aligns: readonly Align[]): string[] {
  const widths = aligns.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const cells = aligns
      .map((align, column) => {
        const cell = row[column] ?? '';
        return align === 'right' ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
      })
      // A column in which nothing stands takes no room.
      .filter((_, column) => widths[column] > 0);
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

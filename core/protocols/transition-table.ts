/** State tables as aligned text that can be compared with the RFC. */

/** One cell of a table. */
export type Cell = readonly [row: string, column: string, value: string];

/** Parses the cells of TEXT. The first line has the column names; every other line starts with its row name. */
export function cellsOf(text: string): readonly Cell[] {
  const [columns, ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/));
  return rows.flatMap(([row, ...values]) => {
    if (values.length !== columns.length) throw new Error(`state table: row ${row} has ${values.length} cells`);
    return values.map((value, index): Cell => [row, columns[index], value]);
  });
}

/** Returns VALUES[NAME]. Throws if it does not exist. */
export function named<T>(values: Readonly<Record<string, T>>, name: string): T {
  const value = values[name];
  if (value === undefined) throw new Error(`state table: unknown name ${name}`);
  return value;
}

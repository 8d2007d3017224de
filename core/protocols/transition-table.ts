/** State tables as aligned text, so that they can be read against their RFC. */

/** One cell: what its row and its column lead to. */
export type Cell = readonly [row: string, column: string, value: string];

/** The cells of TEXT. Its first line names the columns, and each other line starts with its row's name. */
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

/** VALUES[NAME], which must be there. */
export function named<T>(values: Readonly<Record<string, T>>, name: string): T {
  const value = values[name];
  if (value === undefined) throw new Error(`state table: unknown name ${name}`);
  return value;
}

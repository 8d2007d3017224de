/** Aligns two lists as diff(1) does, so that what is missing in one does not make all that follows different. */

/** Comparisons of what is left between the common beginning and end; longer lists are compared in their order. */
const MOST_COMPARED = 2 ** 22;

export interface Pair<T> {
  readonly wanted: T | null;
  readonly got: T | null;
}

/**
 * The elements of WANTED and GOT in order, each with the one that IS_SAME. What is left between two of these is in
 * pairs as far as it goes: it may be the same element, changed. Null: there is none.
 */
export function aligned<T>(wanted: readonly T[], got: readonly T[], isSame: (a: T, b: T) => boolean): Pair<T>[] {
  const most = Math.min(wanted.length, got.length);
  let start = 0;
  while (start < most && isSame(wanted[start], got[start])) start++;
  let end = 0;
  while (end < most - start && isSame(wanted[wanted.length - 1 - end], got[got.length - 1 - end])) end++;
  const pair = (i: number, j: number): Pair<T> => ({ wanted: wanted[i] ?? null, got: got[j] ?? null });
  const [wantedLeft, gotLeft] = [wanted.slice(start, wanted.length - end), got.slice(start, got.length - end)];
  return [
    ...Array.from({ length: start }, (_, i) => pair(i, i)),
    ...inPairs(middle(wantedLeft, gotLeft, isSame)),
    ...Array.from({ length: end }, (_, i) => pair(wanted.length - end + i, got.length - end + i)),
  ];
}

/** PAIRS with what only one of the lists has in pairs, between those that both have. */
function inPairs<T>(pairs: readonly Pair<T>[]): Pair<T>[] {
  const result: Pair<T>[] = [];
  let missing: Pair<T>[] = [];
  let added: Pair<T>[] = [];
  const flush = (): void => {
    for (let i = 0; i < Math.max(missing.length, added.length); i++)
      result.push({ wanted: missing[i]?.wanted ?? null, got: added[i]?.got ?? null });
    [missing, added] = [[], []];
  };
  for (const pair of pairs) {
    if (pair.got === null) missing.push(pair);
    else if (pair.wanted === null) added.push(pair);
    else {
      flush();
      result.push(pair);
    }
  }
  flush();
  return result;
}

function middle<T>(wanted: readonly T[], got: readonly T[], isSame: (a: T, b: T) => boolean): Pair<T>[] {
  const [rows, columns] = [wanted.length, got.length];
  if (rows * columns > MOST_COMPARED) {
    return Array.from({ length: Math.max(rows, columns) }, (_, i) => ({
      wanted: wanted[i] ?? null,
      got: got[i] ?? null,
    }));
  }
  // The length of the longest common subsequence of what follows I in one list and J in the other.
  const common = new Uint16Array((rows + 1) * (columns + 1));
  const at = (i: number, j: number): number => i * (columns + 1) + j;
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      common[at(i, j)] = isSame(wanted[i], got[j])
        ? common[at(i + 1, j + 1)] + 1
        : Math.max(common[at(i + 1, j)], common[at(i, j + 1)]);
    }
  }
  const pairs: Pair<T>[] = [];
  let [i, j] = [0, 0];
  while (i < rows || j < columns) {
    if (i < rows && j < columns && isSame(wanted[i], got[j])) pairs.push({ wanted: wanted[i++], got: got[j++] });
    else if (j >= columns || (i < rows && common[at(i + 1, j)] >= common[at(i, j + 1)]))
      pairs.push({ wanted: wanted[i++], got: null });
    else pairs.push({ wanted: null, got: got[j++] });
  }
  return pairs;
}

/** Suggestions for misspelt names. */

/** Longer texts are not a typo of any name and would be slow to compare. */
const LONGEST_NAME = 60;
/** Names that share a long prefix are not typos of each other. */
const MOST_EDITS = 3;

/** MESSAGE about TEXT, with the closest of NAMES if one is close: `unknown table "nta"; did you mean nat?`. */
export function withNearest(message: string, text: string, names: Iterable<string>): string {
  const name = nearest(text, names);
  return name === undefined ? message : `${message}; did you mean ${name}?`;
}

/** The closest of NAMES to TEXT; undefined if none is close. */
export function nearest(text: string, names: Iterable<string>): string | undefined {
  if (text.length > LONGEST_NAME) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(MOST_EDITS, Math.max(1, Math.floor(text.length / 3))) + 1;
  for (const name of names) {
    if (name.length > LONGEST_NAME) continue;
    const distance = editDistance(text, name, bestDistance);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * The number of insertions, deletions, replacements and swaps of adjacent characters from A to B, whatever their case;
 * LIMIT or more if it exceeds LIMIT.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  const from = a.toLowerCase();
  const to = b.toLowerCase();
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[to.length];
}

/** The packets that a filter chooses. */
import type { Filter } from '../selection.js';
import type { Result } from './result.js';

/** The rows of RESULT that FILTER chooses, ascending; undefined: all, since it asks for nothing. */
export async function selectRows(
  result: Result,
  filter: Filter,
  _signal?: AbortSignal,
): Promise<Uint32Array | undefined> {
  if (Object.keys(filter).length === 0) return undefined;
  const { timeNs } = await result.packets();
  const [from, to] = filter.time ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const rows: number[] = [];
  for (let row = 0; row < timeNs.length; row++) if (timeNs[row] >= from && timeNs[row] <= to) rows.push(row);
  return Uint32Array.from(rows);
}

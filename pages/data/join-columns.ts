import type { Column, Columns } from '../../explain/report/format/columns.js';

/** The rows of PARTS, one part after the other. */
export function joinColumns<Name extends string>(
  names: readonly Name[],
  parts: readonly Columns<Name>[],
): Columns<Name> {
  if (parts.length === 1) return parts[0];
  return Object.fromEntries(names.map((name) => [name, join(parts.map((part) => part[name]))])) as Columns<Name>;
}

function join(parts: readonly Column[]): Column {
  const rows = parts.reduce((sum, { length }) => sum + length, 0);
  const widest = parts.reduce((most, one) => Math.max(most, one.BYTES_PER_ELEMENT), 1);
  const all = widest === 1 ? new Int8Array(rows) : widest === 2 ? new Int16Array(rows) : numbers(widest, rows);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function numbers(width: number, rows: number): Column {
  return width === 4 ? new Int32Array(rows) : new Float64Array(rows);
}

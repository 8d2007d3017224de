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
  const widest = parts.reduce((a, b) => (b.BYTES_PER_ELEMENT > a.BYTES_PER_ELEMENT ? b : a), new Int8Array());
  const all = new (widest.constructor as new (rows: number) => Column)(rows);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

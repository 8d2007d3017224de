import type { ComponentChildren } from 'preact';
import { grouped } from '../../words/numbers.js';

/** What is counted, or known otherwise; rows without a value are left out. */
export type CountRow = readonly [what: ComponentChildren, value: number | string | undefined];

/** A table of numbers about a place. Nothing if there are none. */
export function Counts({ caption, rows }: { readonly caption: string; readonly rows: readonly CountRow[] }) {
  const known = rows.filter(([, value]) => value !== undefined && value !== 0);
  if (known.length === 0) return null;
  return (
    <table>
      <caption>{caption}</caption>
      <tbody>
        {known.map(([what, value], i) => (
          <tr key={i}>
            <th scope="row">{what}</th>
            <td>{typeof value === 'number' ? grouped(value) : value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

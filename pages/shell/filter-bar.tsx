import type { Result } from '../data/result.js';
import { Failure } from '../parts/loading.js';
import { type Loaded, useLoaded } from '../parts/use-loaded.js';
import type { Filter, ViewProps } from '../selection.js';
import { counted, grouped } from '../words/numbers.js';
import { chipsOf } from './chips.js';
import './filter-bar.css';

/** What the filter asks for, part by part, each of which can be taken back; and how many packets it chooses. */
export function FilterBar(props: {
  readonly result: Result;
  readonly filter: Filter;
  readonly rows: Loaded<Pick<ViewProps, 'rows'>>;
  readonly select: ViewProps['select'];
}) {
  const { result, filter, rows, select } = props;
  const chips = useLoaded(() => chipsOf(filter, result), [result, JSON.stringify(filter)]).value ?? [];
  if (Object.keys(filter).length === 0) return null;
  const without = (names: readonly (keyof Filter)[]) => {
    const rest = Object.entries(filter).filter(([name]) => !names.includes(name as keyof Filter));
    select({ filter: Object.fromEntries(rest) });
  };
  return (
    <section class="filter-bar" aria-label="Chosen packets">
      <output>{matchWords(result, rows)}</output>
      {rows.error !== undefined && <Failure error={rows.error} />}
      <ul>
        {chips.map(({ label, value, parts }) => (
          <li key={label} class="chip">
            <span class="chip-label">{label}</span> <bdi title={value}>{value}</bdi>
            <button type="button" aria-label={`Remove ${label} ${value}`} onClick={() => without(parts)}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <button type="button" class="link" onClick={() => select({ filter: {} })}>
        Show all packets
      </button>
    </section>
  );
}

function matchWords({ index }: Result, { value, error }: Loaded<Pick<ViewProps, 'rows'>>): string {
  if (error !== undefined) return '';
  if (value === undefined) return 'Searching …';
  const { listed, leftOut } = index.packets;
  // Undefined: all of them, since what somebody types says nothing yet.
  return `${grouped(value.rows?.length ?? listed)} of ${counted(listed, leftOut > 0 ? 'listed packet' : 'packet')}`;
}

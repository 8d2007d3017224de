import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { rowOfKey } from '../../data/row-window.js';
import { grouped } from '../../words/numbers.js';
import { HeatStrip } from './heat-strip.js';
import type { RuleCounts } from './rule-counts.js';
import { RuleLine } from './rule-line.js';
import type { RuleMap } from './rule-map.js';
import { chainKey, type RuleRow } from './rule-rows.js';
import { useMedia, useWindow } from './use-window.js';

/** What lines are drawn of, besides themselves. */
export interface LineContext {
  readonly map: RuleMap;
  /** Of all packets. */
  readonly counts: RuleCounts;
  /** Of those that the filter chooses. */
  readonly chosen: RuleCounts | undefined;
  /** The largest count of a rule. */
  readonly most: number;
  /** Rules that the ruleset before did not have. */
  readonly isNew: (rule: number) => boolean;
  readonly closed: ReadonlySet<string>;
  readonly toggle: (key: string) => void;
  readonly open: (row: RuleRow) => void;
  readonly follow: (rule: number) => void;
}

const PAGE = 20;

/** The lines ROWS, of which few are in the page at a time. ACTIVE: the key of the line that keys move from. */
export function RuleList(props: {
  readonly rows: readonly RuleRow[];
  readonly active: string | undefined;
  readonly setActive: (key: string) => void;
  readonly context: LineContext;
}) {
  const { rows, active, setActive, context } = props;
  const ref = useRef<HTMLDivElement>(null);
  const isNarrow = useMedia('(max-width: 700px)');
  const isPrinted = useMedia('print');
  const height = isNarrow ? 44 : 26;
  const [first, end] = useWindow(ref, rows.length, height);
  const at = useMemo(() => rows.findIndex(({ key }) => key === active), [rows, active]);
  const isSeen = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (at < 0 || isSeen.current === active) return;
    isSeen.current = active;
    const { scrollTop, clientHeight } = ref.current!;
    const top = at * height;
    if (top < scrollTop || top + 2 * height > scrollTop + clientHeight) ref.current!.scrollTop = top - clientHeight / 3;
  });
  const press = (event: KeyboardEvent) => {
    const next = rowOfKey(event.key, at, rows.length, PAGE);
    const row = rows[at];
    const isRight = event.key === 'ArrowRight';
    if (next !== undefined) setActive(rows[next].key);
    else if (row === undefined || !(isRight || ['ArrowLeft', 'Enter'].includes(event.key))) return;
    else if (event.key === 'Enter') context.open(row);
    else if (row.kind !== 'rule') {
      if (context.closed.has(row.key) === isRight) context.toggle(row.key);
    } else if (isRight) context.follow(row.rule);
    else setActive(chainKey(row.chain));
    event.preventDefault();
  };
  const [from, to] = isPrinted && rows.length <= 3000 ? [0, rows.length] : [first, end];
  return (
    <div class="rule-frame">
      <div ref={ref} class={`rule-list${context.chosen ? ' has-filter' : ''}`}>
        <table
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a tree of rows that keys walk through
          role="treegrid"
          aria-label="Rules"
          aria-rowcount={rows.length + 1}
          aria-activedescendant={at >= from && at < to ? `line-${active}` : undefined}
          tabIndex={0}
          onKeyDown={press}
          onFocus={() => at < 0 && rows.length > 0 && setActive(rows[first].key)}
        >
          <thead>
            <tr class="rule-row head" aria-rowindex={1}>
              <th scope="col">Heat</th>
              <th scope="col">Asked</th>
              <th scope="col">Packets</th>
              <th scope="col" class="bytes">
                Bytes
              </th>
              <th scope="col" class="text">
                Rule
              </th>
            </tr>
          </thead>
          <tbody style={{ height: `${rows.length * height}px` }}>
            {rows.slice(from, to).map((row, i) => (
              <RuleLine
                key={row.key}
                row={row}
                index={from + i}
                top={(from + i) * height}
                isActive={row.key === active}
                context={context}
              />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p class="loading">No rule is like that.</p>}
      </div>
      <HeatStrip
        rows={rows}
        context={context}
        scrollTo={(part) => {
          ref.current!.scrollTop = part * rows.length * height - ref.current!.clientHeight / 2;
        }}
      />
    </div>
  );
}

/** How hot a count is, from 0 to 1. */
export function heat(count: number, most: number): number {
  return count === 0 ? 0 : 0.08 + (0.92 * Math.log1p(count)) / Math.log1p(most);
}

/** COUNT of all packets, and how many CHOSEN ones there are among them. */
export function Count({ all, chosen }: { readonly all: number; readonly chosen?: number | undefined }) {
  if (chosen === undefined) return <>{grouped(all)}</>;
  return (
    <>
      <b>{grouped(chosen)}</b>
      <small> / {grouped(all)}</small>
    </>
  );
}

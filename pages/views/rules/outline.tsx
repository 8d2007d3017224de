import { useRef } from 'preact/hooks';
import { grouped } from '../../words/numbers.js';
import type { RuleCounts } from './rule-counts.js';
import type { RuleMap } from './rule-map.js';
import { useMedia, useWindow } from './use-window.js';

const HEIGHT = 24;

/** The chains of MAP: a list at the side, or where it is narrow a choice. COUNTS: of the packets that are looked at. */
export function Outline(props: {
  readonly map: RuleMap;
  readonly counts: RuleCounts;
  readonly current: number | undefined;
  readonly go: (chain: number) => void;
}) {
  const { map, counts, current, go } = props;
  const { chains } = map.section;
  if (useMedia('(max-width: 900px)')) {
    return (
      <label class="chain-choice">
        <span>Chain</span>
        <select value={current ?? -1} onChange={(event) => go(Number(event.currentTarget.value))}>
          <option value={-1} disabled>
            all tables
          </option>
          {map.ruleset.tables.map(({ table, chains: numbers }) => (
            <optgroup key={table} label={table}>
              {numbers.map((chain) => (
                <option key={chain} value={chain}>
                  {chains[chain].name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
    );
  }
  return <OutlineList {...{ map, counts, current, go }} />;
}

function OutlineList({ map, counts, current, go }: Parameters<typeof Outline>[0]) {
  const { chains } = map.section;
  const ref = useRef<HTMLElement>(null);
  const lines = map.ruleset.tables.flatMap(({ table, chains: numbers }) => [table, ...numbers]);
  const [first, end] = useWindow(ref, lines.length, HEIGHT);
  return (
    <nav ref={ref} class="rule-outline" aria-label="Chains">
      <div style={{ height: `${lines.length * HEIGHT}px` }}>
        {lines.slice(first, end).map((line, i) => {
          const style = { top: `${(first + i) * HEIGHT}px` };
          if (typeof line === 'string') {
            return (
              <b key={line} style={style}>
                {line}
              </b>
            );
          }
          const { name, hook } = chains[line];
          const entered = map.entered(line, counts);
          return (
            <button
              type="button"
              key={line}
              style={style}
              class={`${hook ? 'built-in' : ''} ${entered === 0 ? 'unasked' : ''}`}
              aria-current={line === current || undefined}
              title={name}
              onClick={() => go(line)}
            >
              <span>{name}</span>
              <small>{grouped(entered)}</small>
            </button>
          );
        })}
      </div>
    </nav>
  );
}

/** The connections of a replay, and the one that is open as a ladder. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { CONNECTION_VERDICTS, type ConnectionFacts, connectionFacts } from '../../data/connections/connection-facts.js';
import {
  type ConnectionSort,
  chosenPackets,
  type ListLine,
  type ListOptions,
  listLines,
  verdictCounts,
} from '../../data/connections/connection-list.js';
import { FilterBox } from '../../parts/filter-box.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import { VirtualTable } from '../../parts/virtual-table.js';
import type { ViewProps } from '../../selection.js';
import { grouped } from '../../words/numbers.js';
import { CONNECTION_TABLE_COLUMNS, ConnectionCells, GroupCells } from './connection-cells.js';
import { Ladder } from './ladder.js';
import './connections-view.css';

export function ConnectionsView(props: ViewProps) {
  const { result } = props;
  const facts = useLoaded(() => connectionFacts(result), [result]);
  return (
    <div class="connections">
      <Loading of={facts}>{(value) => <Listed {...props} facts={value} />}</Loading>
    </div>
  );
}

/** From how wide a table on, its rows have one line (connections-view.css). */
const ONE_LINE_WIDTH = 1000;
const rowHeight = (width: number): number => (width >= ONE_LINE_WIDTH ? 28 : 46);

const FIRST_OPTIONS: ListOptions = {
  ...{ sort: 'start', isDescending: false, isGrouped: false, verdict: -1 },
  opened: new Set(),
};

function Listed(props: ViewProps & { readonly facts: ConnectionFacts }) {
  const { facts, result, rows, selection, select } = props;
  const [options, setOptions] = useState(FIRST_OPTIONS);
  const change = (some: Partial<ListOptions>) => setOptions({ ...options, ...some });
  const chosen = useMemo(() => rows && chosenPackets(facts, rows), [facts, rows]);
  const lines = useMemo(() => listLines(facts, chosen, options), [facts, chosen, options]);
  const { ladder: connection } = selection;
  const isOpen = connection !== undefined && connection < facts.connections.tuple.length;
  const [cursor, setCursor] = useState<number | string>(connection ?? -1);
  useEffect(() => {
    if (connection !== undefined) setCursor(connection);
  }, [connection]);
  const cells = useCallback(
    (at: number) => {
      const line = lines[at];
      if (typeof line !== 'object') return line === undefined ? null : <ConnectionCells row={line} facts={facts} />;
      return <GroupCells group={line} facts={facts} isOpen={options.opened.has(line.key)} />;
    },
    [lines, facts],
  );
  const open = (at: number) => {
    const line = lines[at];
    setCursor(keyOf(line));
    if (typeof line === 'number') select({ ladder: line });
    else change({ opened: toggled(options.opened, line.key) });
  };
  const move = (at: number) => {
    const line = lines[at];
    setCursor(keyOf(line));
    if (isOpen && typeof line === 'number') select({ ladder: line });
  };
  const close = () => select({ ladder: undefined as never });
  return (
    <>
      <Toolbar {...props} {...{ chosen, options, change }} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what is open, from anywhere in it */}
      <div
        class={`connections-split${isOpen ? ' open' : ''}`}
        onKeyDown={({ key }) => key === 'Escape' && isOpen && close()}
      >
        <VirtualTable
          label="Connections"
          class="connection-table"
          columns={CONNECTION_TABLE_COLUMNS}
          rows={lines.length}
          rowHeight={rowHeight}
          row={cells}
          rowClass={(at) => (typeof lines[at] === 'object' ? 'group' : undefined)}
          current={lines.findIndex((line) => keyOf(line) === cursor)}
          onMove={move}
          onOpen={open}
          sort={{ name: options.sort, isDescending: options.isDescending }}
          onSort={(name) => change(nextSort(options, name as ConnectionSort))}
          // Which groups are open does not matter: a set is {} there.
          list={JSON.stringify([selection.filter, options])}
          empty={result.index.isRunning ? 'No connection yet.' : 'No connection matches.'}
        />
        {isOpen && <Ladder key={connection} {...{ facts, connection, selection, select, close }} />}
      </div>
    </>
  );
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const others = new Set(keys);
  if (!others.delete(key)) others.add(key);
  return others;
}

/** What is sorted by numbers begins with the largest. */
function nextSort({ sort, isDescending }: ListOptions, name: ConnectionSort): Partial<ListOptions> {
  return { sort: name, isDescending: name === sort ? !isDescending : name !== 'start' };
}

/** A group is another object when the list is made again. */
const keyOf = (line: ListLine): number | string => (typeof line === 'number' ? line : line.key);

function Toolbar(
  props: ViewProps & {
    readonly facts: ConnectionFacts;
    readonly chosen: Uint32Array | undefined;
    readonly options: ListOptions;
    readonly change: (some: Partial<ListOptions>) => void;
  },
) {
  const { facts, result, selection, select, chosen, options, change } = props;
  const { text, ...rest } = selection.filter;
  const counts = useMemo(() => verdictCounts(facts, chosen), [facts, chosen]);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const setText = (typed: string) => select({ filter: typed.trim() === '' ? rest : { ...rest, text: typed } });
  return (
    <>
      <FilterBox result={result} text={text ?? ''} onText={setText} />
      <div class="connections-bar">
        <fieldset>
          <legend class="unseen">Connections by verdict</legend>
          <button type="button" aria-pressed={options.verdict < 0} onClick={() => change({ verdict: -1 })}>
            <b>{grouped(all)}</b>{' '}
            {chosen === undefined ? (all === 1 ? 'connection' : 'connections') : 'with chosen packets'}
          </button>
          {counts.map(
            (count, verdict) =>
              (count > 0 || options.verdict === verdict) && (
                <button
                  type="button"
                  key={verdict}
                  aria-pressed={options.verdict === verdict}
                  onClick={() => change({ verdict: options.verdict === verdict ? -1 : verdict })}
                >
                  <VerdictMark verdict={CONNECTION_VERDICTS[verdict]} /> <b>{grouped(count)}</b>
                </button>
              ),
          )}
        </fieldset>
        <label>
          <input
            type="checkbox"
            checked={options.isGrouped}
            onChange={({ currentTarget }) => change({ isGrouped: currentTarget.checked, opened: new Set() })}
          />{' '}
          By service
        </label>
      </div>
    </>
  );
}

/**
 * A table of any number of rows, of which only those in sight are elements. They stand in an element that sticks to the
 * view and are drawn anew when somebody scrolls, so that there is never an empty place where rows are not drawn yet.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { rowOfKey, scrollHeight } from '../data/row-window.js';
import { type ScrolledTable, useScrollPosition } from './use-scroll-position.js';
import './virtual-table.css';

export interface TableColumn {
  readonly name: string;
  readonly label: string;
  readonly title?: string;
  readonly isSortable?: boolean;
}

export interface TableSort {
  readonly name: string;
  readonly isDescending: boolean;
}

export interface VirtualTableProps {
  /** What screen readers call it. */
  readonly label: string;
  readonly class?: string;
  readonly columns: readonly TableColumn[];
  readonly rows: number;
  /** The height of a row in pixels, where the table is as wide as that. */
  readonly rowHeight: (width: number) => number;
  /** The cells of the row at POSITION: a `td` for each column. Rows are drawn again when this is another function. */
  readonly row: (position: number) => ComponentChildren;
  readonly rowClass?: (position: number) => string | undefined;
  /** The row that the keys move; -1: none yet. It is brought into sight when it changes. */
  readonly current: number;
  readonly onMove: (position: number) => void;
  /** A row was clicked, or Enter was pressed in it. */
  readonly onOpen: (position: number) => void;
  readonly sort?: TableSort | undefined;
  readonly onSort?: (name: string) => void;
  /** Where this is another one, the rows are others, and the table shows its beginning. */
  readonly list?: string;
  /** What stands there where there are no rows. */
  readonly empty?: ComponentChildren;
}

export function VirtualTable(props: VirtualTableProps) {
  const { label, columns, rows, row, rowClass, current, onOpen, list } = props;
  const table = useRef<HTMLTableElement>(null);
  const scrolled = useScrollPosition(rows, props.rowHeight);
  const { position, move } = scrolled;
  const isPrinted = useIsPrinted();
  useLayoutEffect(() => move((it) => it.moveTo(0)), [list]);
  useLayoutEffect(() => {
    if (current >= 0) move((it) => it.reveal(current));
  }, [current, list, scrolled.width > 0, position.size.rowHeight]);
  const { first, end, offset } = position.window;
  // There may be fewer rows than the position knows of yet.
  const last = Math.min(rows, isPrinted ? first + PRINTED_ROWS : end);
  const { rowHeight, viewHeight } = position.size;
  const key = useRowKeys(first, last - first);
  return (
    <div class={`virtual-table ${props.class ?? ''}`} ref={scrolled.scroller} onScroll={scrolled.onScroll}>
      <div style={{ height: `calc(${scrollHeight(position.size)}px + var(--head))`, '--view': `${viewHeight}px` }}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its rows are chosen by keys */}
        <table ref={table} tabIndex={0} aria-label={label} aria-rowcount={rows + 1} onKeyDown={onKey(props, scrolled)}>
          <thead ref={scrolled.head}>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <HeadCell key={column.name} {...{ column }} sort={props.sort} onSort={props.onSort} />
              ))}
            </tr>
          </thead>
          <tbody style={{ transform: `translateY(${offset}px)`, '--row': `${rowHeight}px` }}>
            {Array.from({ length: Math.max(0, last - first) }, (_, i) => (
              <Row
                key={key + i}
                position={first + i}
                cells={row}
                class={rowClass?.(first + i)}
                isCurrent={first + i === current}
                onOpen={onOpen}
              />
            ))}
          </tbody>
        </table>
      </div>
      {rows === 0 && <div class="empty">{props.empty ?? 'Nothing fits.'}</div>}
      <Announcement table={table} current={current} />
    </div>
  );
}

/**
 * The key of the first row that is drawn, of which the next ones follow. While somebody scrolls by a few rows, rows keep
 * their keys and elements, with what is selected in them. After a jump the elements are used for other rows, which is
 * faster than to make new ones.
 */
function useRowKeys(first: number, count: number): number {
  const last = useRef({ first, key: first });
  const moved = first - last.current.first;
  last.current = { first, key: last.current.key + (Math.abs(moved) > count / 2 ? 0 : moved) };
  return last.current.key;
}

function onKey({ current, rows, onMove, onOpen }: VirtualTableProps, { position }: ScrolledTable) {
  return (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { rowHeight, viewHeight } = position.size;
    if (event.key === 'Enter' && event.target === event.currentTarget && current >= 0) onOpen(current);
    else {
      const page = Math.max(1, Math.floor(viewHeight / rowHeight) - 1);
      const next = rowOfKey(event.key, current, rows, page);
      if (next === undefined) return;
      onMove(next);
    }
    event.preventDefault();
  };
}

function HeadCell(props: {
  readonly column: TableColumn;
  readonly sort: TableSort | undefined;
  readonly onSort: VirtualTableProps['onSort'];
}) {
  const { column, sort, onSort } = props;
  const isSorted = sort?.name === column.name;
  const order = !isSorted ? undefined : sort.isDescending ? 'descending' : 'ascending';
  return (
    <th scope="col" class={column.name} title={column.title} aria-sort={order}>
      {column.isSortable ? (
        <button type="button" onClick={() => onSort?.(column.name)}>
          {column.label}
          <i aria-hidden="true">{order === undefined ? '' : order === 'ascending' ? ' ↑' : ' ↓'}</i>
        </button>
      ) : (
        column.label
      )}
    </th>
  );
}

interface RowProps {
  readonly position: number;
  readonly cells: VirtualTableProps['row'];
  readonly class: string | undefined;
  readonly isCurrent: boolean;
  readonly onOpen: VirtualTableProps['onOpen'];
}

/** Its cells are made again only where they are others. */
function Row({ position, cells, class: name, isCurrent, onOpen }: RowProps) {
  const content = useMemo(() => cells(position), [cells, position]);
  // Whoever marks text does not want to open anything.
  const open = () => (getSelection()?.isCollapsed ?? true) && onOpen(position);
  return (
    <tr class={name} aria-rowindex={position + 2} aria-current={isCurrent ? 'true' : undefined} onClick={open}>
      {content}
    </tr>
  );
}

const ANNOUNCE_MS = 250;

/** Says the current row, when the keys have come to it: the focus stays in the table. */
function Announcement({ table, current }: { readonly table: { current: HTMLTableElement | null }; current: number }) {
  const [words, setWords] = useState('');
  useEffect(() => {
    if (current < 0 || document.activeElement !== table.current) return;
    const timer = setTimeout(() => {
      const cells = table.current?.querySelectorAll(`[aria-rowindex="${current + 2}"] > *`) ?? [];
      setWords(Array.from(cells, ({ textContent }) => textContent).join(', '));
    }, ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [current]);
  return (
    <div class="unseen" role="status">
      {words}
    </div>
  );
}

/** On paper there is no scrolling: so many rows are printed. */
const PRINTED_ROWS = 500;

function useIsPrinted(): boolean {
  const [isPrinted, setPrinted] = useState(false);
  useEffect(() => {
    const query = matchMedia('print');
    const change = () => setPrinted(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return isPrinted;
}

/** All packets in the order of the replay, and the one that is open. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { type PacketSort, packetOrder } from '../../data/packet-order.js';
import { type PacketTable, packetTable } from '../../data/packet-table.js';
import { FilterBox } from '../../parts/filter-box.js';
import { Loading } from '../../parts/loading.js';
import { useLoaded } from '../../parts/use-loaded.js';
import { VirtualTable } from '../../parts/virtual-table.js';
import type { ViewProps } from '../../selection.js';
import { grouped } from '../../words/numbers.js';
import { OpenPacket } from './open-packet.js';
import { PACKET_TABLE_COLUMNS, PacketCells } from './packet-cells.js';
import './packets-view.css';

export function PacketsView(props: ViewProps) {
  const { result, rows, selection, select } = props;
  const { filter } = selection;
  const loaded = useLoaded(async () => ({ rows, table: await packetTable(result) }), [result, rows]);
  const chooseText = (typed: string) => {
    const { text, ...rest } = filter;
    select({ filter: typed.trim() === '' ? rest : { ...rest, text: typed } });
  };
  return (
    <div class="packets">
      <FilterBox result={result} text={filter.text ?? ''} onText={chooseText} />
      <Loading of={loaded}>{(value) => <Listed {...props} {...value} />}</Loading>
    </div>
  );
}

/** From how wide a table on, its rows have one line (packets-view.css). */
const ONE_LINE_WIDTH = 1080;
const rowHeight = (width: number): number => (width >= ONE_LINE_WIDTH ? 28 : 46);

function Listed(props: ViewProps & { readonly table: PacketTable }) {
  const { result, selection, rows, select, table } = props;
  const [sort, setSort] = useState<PacketSort>();
  const order = useMemo(() => packetOrder(rows, table, sort), [rows, table, sort]);
  const [cursor, setCursor] = useState(selection.packet ?? -1);
  useEffect(() => {
    if (selection.packet !== undefined) setCursor(selection.packet);
  }, [selection.packet]);
  const isOpen = selection.packet !== undefined && selection.packet < table.packets.timeNs.length;
  const cells = useCallback(
    (position: number) => <PacketCells row={order.rowAt(position)} table={table} result={result} />,
    [order, table],
  );
  const open = useCallback((position: number) => select({ packet: order.rowAt(position), step: 0 }), [order, select]);
  const move = (position: number) => {
    setCursor(order.rowAt(position));
    if (isOpen) open(position);
  };
  const sortBy = (name: string) => {
    if (sort?.name !== name) setSort({ name: name as PacketSort['name'], isDescending: false });
    else setSort(sort.isDescending ? undefined : { ...sort, isDescending: true });
  };
  return (
    <div class={`packets-split${isOpen ? ' open' : ''}`}>
      <VirtualTable
        label="Packets"
        class="packet-table"
        columns={PACKET_TABLE_COLUMNS}
        rows={order.length}
        rowHeight={rowHeight}
        row={cells}
        rowClass={(position) => verdictOf(table, order.rowAt(position))}
        current={order.positionOf(cursor)}
        onMove={move}
        onOpen={open}
        sort={sort}
        onSort={sortBy}
        list={JSON.stringify([selection.filter, sort])}
        empty={<Empty {...props} />}
      />
      {isOpen && (
        <OpenPacket
          {...{ result, selection, select, table }}
          row={selection.packet!}
          close={() => select({ packet: undefined as never, step: undefined as never })}
        />
      )}
    </div>
  );
}

const verdictOf = ({ packets, traversals }: PacketTable, row: number): string =>
  traversals[packets.traversal[row]].verdict;

function Empty({ result, selection }: ViewProps) {
  const { listed, leftOut, leftOutBy } = result.index.packets;
  if (listed === 0) return <p>{result.index.isRunning ? 'No packet has been read yet.' : 'No packets are listed.'}</p>;
  return (
    <>
      <p>
        None of the {grouped(listed)} listed packets matches{selection.filter.text ? ' the text' : ''}.
      </p>
      {leftOut > 0 && leftOutBy === 'size' && <p>{grouped(leftOut)} more are left out of this report.</p>}
    </>
  );
}

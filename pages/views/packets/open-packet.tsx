import type { PacketTable } from '../../data/packet-table.js';
import type { ViewProps } from '../../selection.js';
import { grouped } from '../../words/numbers.js';

/** The packet in ROW: its way through the host, and its bytes. */
export function OpenPacket(
  props: Pick<ViewProps, 'result' | 'selection' | 'select'> & {
    readonly table: PacketTable;
    readonly row: number;
    readonly close: () => void;
  },
) {
  return (
    <aside class="open-packet" aria-label={`Packet ${grouped(props.row + 1)}`}>
      <button type="button" aria-label="Close" onClick={props.close}>
        ×
      </button>
    </aside>
  );
}

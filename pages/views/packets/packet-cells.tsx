import { IPPROTO_ICMP } from '../../../codecs/assigned-numbers.js';
import { flagNames } from '../../../codecs/sentence/tcp-flags.js';
import type { NumberNames } from '../../../explain/report/format/model.js';
import type { PacketTable } from '../../data/packet-table.js';
import type { Result } from '../../data/result.js';
import { VerdictMark } from '../../parts/verdict-mark.js';
import type { TableColumn } from '../../parts/virtual-table.js';
import { deciderText } from '../../words/deciders.js';
import { type End, endsOf, endText, protocolName } from '../../words/ends.js';
import { icmpText } from '../../words/number-names.js';
import { grouped } from '../../words/numbers.js';
import { secondsSince } from '../../words/times.js';

export const PACKET_TABLE_COLUMNS: readonly TableColumn[] = [
  { name: 'no', label: 'No.', title: 'In replay order' },
  { name: 'time', label: 'Time', title: 'Seconds since the first packet', isSortable: true },
  { name: 'in', label: 'In', title: 'Incoming interface' },
  { name: 'protocol', label: 'Protocol' },
  { name: 'source', label: 'Source', title: 'As it arrived, and as it left' },
  { name: 'destination', label: 'Destination', title: 'As it arrived, and as it left' },
  { name: 'out', label: 'Out', title: 'Outgoing interface' },
  { name: 'length', label: 'Length', title: 'Length of the IP packet in bytes', isSortable: true },
  { name: 'info', label: 'Flags, type' },
  { name: 'state', label: 'State', title: 'Connection tracking state' },
  { name: 'verdict', label: 'Verdict', isSortable: true },
  { name: 'decider', label: 'Decided by' },
];

/** The cells of the packet in ROW. */
export function PacketCells({ row, table, result }: { row: number; table: PacketTable; result: Result }) {
  const { packets, tuples, traversals, rules } = table;
  const { interfaces } = result.index.host;
  const { verdict, ctstate, decider } = traversals[packets.traversal[row]];
  const [tuple, after] = [packets.tuple[row], packets.after[row]];
  const ends = tuple < 0 ? undefined : endsOf(tuples, tuple, result.index.names);
  const newEnds = after < 0 || after === tuple ? undefined : endsOf(tuples, after, result.index.names);
  const decided = deciderText(decider, rules, packets.timeNs[row]);
  return (
    <>
      <td class="no">{grouped(row + 1)}</td>
      <td class="time">{secondsSince(packets.timeNs[row])}</td>
      <td class="in">{inName(table, row, interfaces)}</td>
      <td class="protocol">{ends === undefined ? '' : protocolName(ends.protocol)}</td>
      <EndCell class="source" end={ends?.source} newEnd={newEnds?.source} isIcmp={ends?.protocol === IPPROTO_ICMP} />
      <EndCell
        class="destination"
        end={ends?.destination}
        newEnd={newEnds?.destination}
        isIcmp={ends?.protocol === IPPROTO_ICMP}
      />
      <td class="out">{outName(packets.outDev[row], interfaces)}</td>
      <td class="length">{grouped(packets.length[row])}</td>
      <td class="info">{infoOf(table, row, result.index.numberNames)}</td>
      <td class="state">{ctstate ?? ''}</td>
      <td class="verdict">
        <VerdictMark verdict={verdict} />
      </td>
      <td class="decider" title={decided}>
        {decided}
      </td>
    </>
  );
}

function EndCell(props: {
  readonly class: string;
  readonly end: End | undefined;
  readonly newEnd: End | undefined;
  readonly isIcmp: boolean;
}) {
  const { end, newEnd, isIcmp } = props;
  const before = end === undefined ? '' : shownEnd(end, isIcmp);
  const after = newEnd === undefined ? '' : shownEnd(newEnd, isIcmp);
  const title = [end, newEnd].map((one) => one?.name !== undefined && `${one.name} is ${one.address}`).filter(Boolean);
  return (
    <td class={props.class} title={title.join('\n') || undefined}>
      <span class="end">{before}</span>
      {after !== '' && after !== before && (
        <span class="end new" title="as it left">
          {' '}
          ⇒ {after}
        </span>
      )}
    </td>
  );
}

/** Of ICMP, the ports are the type and the code. */
function shownEnd({ port, ...end }: End, isIcmp: boolean): string {
  return endText({ ...end, ...(port !== undefined && !isIcmp && { port }) });
}

type Interfaces = Result['index']['host']['interfaces'];

/** Where the packet in ROW came from. Of a frame that did not enter the host, that may not be known. */
export function inName({ packets, traversals }: PacketTable, row: number, interfaces: Interfaces): string {
  const name = traversals[packets.traversal[row]].verdict === 'skipped' ? outName : deviceName;
  return name(packets.inDev[row], interfaces);
}

/** The interface DEV that packets came by. */
export function deviceName(dev: number, interfaces: Interfaces): string {
  return dev < 0 ? 'local' : (interfaces[dev]?.name ?? `interface ${dev}`);
}

/** Where packets went: an interface, the host itself, or nowhere. */
export function outName(dev: number, interfaces: Interfaces): string {
  return dev === -1 ? '' : dev === -2 ? 'local' : deviceName(dev, interfaces);
}

/** Flags of TCP, types of ICMP. */
export function infoOf({ packets, tuples }: PacketTable, row: number, names: NumberNames): string {
  const [flags, tuple] = [packets.flags[row], packets.tuple[row]];
  if (flags >= 0) return flagNames(flags);
  if (tuple < 0 || tuples.protocol[tuple] !== IPPROTO_ICMP || tuples.sport[tuple] < 0) return '';
  return icmpText(tuples.sport[tuple], tuples.dport[tuple], names);
}

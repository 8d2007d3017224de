/** One replay on the page: its index, and its sections, each unpacked when it is first asked for. */
import type { Columns } from '../../explain/report/format/columns.js';
import type { CONNECTION_COLUMNS } from '../../explain/report/format/connection-columns.js';
import type {
  PACKET_COLUMNS,
  ResultIndex,
  RulesSection,
  TIMELINE_COLUMNS,
  TimelineEvent,
  Traversal,
  TUPLE_COLUMNS,
} from '../../explain/report/format/model.js';
import type { PacketBytes } from '../../explain/report/format/packet-bytes.js';

export type PacketColumns = Columns<(typeof PACKET_COLUMNS)[number]>;
export type TupleColumns = Columns<(typeof TUPLE_COLUMNS)[number]>;
export type ConnectionColumns = Columns<(typeof CONNECTION_COLUMNS)[number]>;
export type TimelineColumns = Columns<(typeof TIMELINE_COLUMNS)[number]>;

/** While a replay runs, a new one takes the place of the last; what has not changed is not unpacked again. */
export interface Result {
  readonly index: ResultIndex;
  packets(): Promise<PacketColumns>;
  tuples(): Promise<TupleColumns>;
  traversals(): Promise<readonly Traversal[]>;
  rules(): Promise<RulesSection>;
  connections(): Promise<ConnectionColumns>;
  timeline(): Promise<TimelineColumns>;
  events(): Promise<readonly TimelineEvent[]>;
  /** What words have of single packets, by the numbers in PACKET_COLUMNS. */
  details(): Promise<readonly (readonly string[])[]>;
  /** The bytes of the packet in ROW; undefined: they are not in the report. */
  bytesOf(row: number): Promise<PacketBytes | undefined>;
  /** How many packets took each traversal, and their bytes: of ROWS, or of all packets, whether they are listed or not. */
  traversalTotals(rows?: Uint32Array): Promise<TraversalTotals>;
}

export interface TraversalTotals {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

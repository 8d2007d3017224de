/**
 * What a replay came to, as values: `summary.json`. Its shape is described in docs/summary.md and changes only there.
 */
import { formatLoaded, portToHostOrder } from '../codecs/byte-order.js';
import type { ListedConnection, ListedDirection, ListedTuple } from '../codecs/conntrack-list.js';
import type { FileRecord } from '../io/file-record.js';
import type { DropCount, DroppedFlow } from './drops.js';

/** Connections and dropped flows beyond this many are only counted. */
export const MAX_LISTED = 1000;

/** Of every packet that was read, one of these says what became of it. */
export interface PacketCounts {
  read: number;
  /** Not IPv4, or nothing that the host would take: see `skipped`. */
  skipped: number;
  /** Came in, and left by an interface. */
  forwarded: number;
  /** The host's own, and left by an interface. */
  sent: number;
  /** Reached the host itself. */
  delivered: number;
  /** Dropped without a word: see `dropped`. */
  dropped: number;
  /** Dropped, and its sender was told (REJECT, ICMP errors): see `dropped`. */
  rejected: number;
  /** Fragments that were held for their packet; the one that completes it counts by what became of the whole. */
  held: number;
}

/** One end of a connection: address, and port where the protocol has any. */
export interface Endpoint {
  address: string;
  port?: number;
}

export interface ConnectionSummary {
  /** `tcp`, `udp`, `icmp` …, or the protocol's number. */
  protocol: string;
  /** TCP's and SCTP's state. */
  state?: string;
  source: Endpoint;
  destination: Endpoint;
  /** Where the destination was translated to. */
  translatedDestination?: Endpoint;
  /** What the source was translated to. */
  translatedSource?: Endpoint;
  replied: boolean;
  assured: boolean;
  mark: number;
  packets: [original: number, reply: number];
  bytes: [original: number, reply: number];
}

export interface RuleSummary {
  table: string;
  chain: string;
  /** The rule's number in its chain, from 1. */
  number: number;
  /** As iptables-save writes it, without `-A CHAIN`. */
  rule: string;
  /** Where it stands. */
  file: string;
  line: number;
  /** The text of its comment. */
  comment?: string;
  packets: number;
  bytes: number;
}

/** What was replayed, and how. */
export interface RunRecord {
  version: string;
  options: { seed: number; lax: boolean; limit?: number };
  rules: FileRecord;
  host: FileRecord;
  /** In the order of `inputs`. */
  captures: FileRecord[];
}

/** The shape of the summary. A program that reads one looks at this first. */
export const SCHEMA = 2;

export interface Summary {
  schema: typeof SCHEMA;
  /** `nfreplay` and its version. */
  generator: string;
  /** What was replayed, and how: enough to do it again, and to see whether an input has changed. */
  run: RunRecord;
  inputs: { interface: string; file: string; packets: number }[];
  packets: PacketCounts;
  /** Packets that were skipped, by reason. */
  skipped: Record<string, number>;
  /** Dropped and rejected packets by what dropped them, the most frequent first. */
  dropped: DropCount[];
  /** The same by flow: how many flows were told apart, and the 1,000 most frequent of them. */
  droppedFlows: { count: number; listed: DroppedFlow[] };
  /** What was written, in the order of the host's interfaces, then `local` and `dropped`. */
  outputs: { file: string; packets: number }[];
  /** Rules that matched, in the order of the ruleset. */
  rules: RuleSummary[];
  /** Connections in the table at the end, and the first 1,000 of them. */
  connections: { count: number; listed: ConnectionSummary[] };
  warnings: string[];
}

/** A listed connection as the summary has it. */
export function summarizeConnection(listed: ListedConnection): ConnectionSummary {
  const { protocol, protocolName, tuple, original, reply, state } = listed;
  const source = endpointOf(tuple, original, 'source', true);
  const destination = endpointOf(tuple, original, 'destination', false);
  const answeredBy = endpointOf(tuple, reply, 'source', false);
  const answeredTo = endpointOf(tuple, reply, 'destination', true);
  return {
    protocol: protocolName === 'unknown' ? String(protocol) : protocolName,
    ...(state === undefined ? {} : { state }),
    source,
    destination,
    ...(isSame(answeredBy, destination) ? {} : { translatedDestination: answeredBy }),
    ...(isSame(answeredTo, source) ? {} : { translatedSource: answeredTo }),
    replied: listed.isSeenReply,
    assured: listed.isAssured,
    mark: listed.mark,
    packets: [original.packets, reply.packets],
    bytes: [original.bytes, reply.bytes],
  };
}

/**
 * One end of a direction. ICMP has an id, no ports: it stands as the opener's port, since it is that which NAT changes.
 */
function endpointOf(
  tuple: ListedTuple,
  direction: ListedDirection,
  end: 'source' | 'destination',
  isOpener: boolean,
): Endpoint {
  const address = formatLoaded(direction[end]);
  const { ports } = direction;
  if (tuple === 'query') return isOpener ? { address, port: portToHostOrder(ports) } : { address };
  if (tuple !== 'ports') return { address };
  return { address, port: portToHostOrder(end === 'source' ? ports : ports >>> 16) };
}

const isSame = (a: Endpoint, b: Endpoint) => a.address === b.address && a.port === b.port;

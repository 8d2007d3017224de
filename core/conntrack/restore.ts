/** Puts the connections of a list (`conntrack -L`) into a table, as the host had them when the list was made. */
import { ConntrackListError } from '../../codecs/conntrack-list-error.js';
import type { ReadConnection } from '../../codecs/conntrack-reader.js';
import { withNearest } from '../../codecs/nearest.js';
import type { L4Tracker } from '../protocols/protocol.js';
import { protocolOf } from '../protocols/registry.js';
import {
  BYTES_F64,
  MARK,
  PACKETS_F64,
  RECORD_F64,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from './record.js';
import type { ConntrackTable } from './table.js';
import { invertPorts } from './tuple.js';

/** A list counts whole seconds, rounded down: a connection lives up to one longer. */
const ROUNDING_SECONDS = 1;

/** The connections of a list, and the file that it was read from. */
export interface ListedConnections {
  readonly list: readonly ReadConnection[];
  readonly file: string;
}

/** What a list of connections does not tell, or what of it is not emulated, a line each. */
export interface RestoredConnections {
  readonly count: number;
  readonly assumed: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Adds the LISTED connections to the table of TRACKERS (by protocol number), before the first packet.
 * @throws {ConntrackListError} for a state or protocol that does not exist
 */
export function restoreConnections(
  table: ConntrackTable,
  trackers: readonly L4Tracker[],
  listed?: ListedConnections,
): RestoredConnections {
  const { list, file } = listed ?? { list: [], file: '' };
  const warnings: string[] = [];
  const helpers = new Set<string>();
  let count = 0;
  let liberal = 0;
  let untagged = 0;
  for (const connection of list) {
    const tracker = trackers[connection.protocol];
    const state = stateOf(connection, tracker, file);
    if (!tracker.protocol.isListedWhole) {
      untagged++;
      continue;
    }
    if (isTaken(table, connection)) {
      warnings.push(`${file}:${connection.line}: an earlier line has the same addresses and ports; left out`);
      continue;
    }
    const entry = addEntry(table, connection);
    if (state >= 0) table.words[entry * RECORD_WORDS + tracker.protocol.stateWord] = state;
    if (tracker.protocol.restore(tracker, entry)) liberal++;
    table.confirm(entry);
    table.linkSource(entry);
    if (connection.helper !== undefined) helpers.add(connection.helper);
    count++;
  }
  for (const helper of [...helpers].sort())
    warnings.push(`${file}: helper ${helper} is not emulated: connections that it expects are not RELATED`);
  if (untagged > 0)
    warnings.push(`${file}: ${untagged} of SCTP left out: a list does not have their verification tags`);
  const assumed = liberal === 0 ? [] : [`windows of ${liberal} listed TCP connections: anything is in window`];
  return { count, assumed, warnings };
}

/** The number of the connection's state; -1 if its protocol has none. */
function stateOf({ line, state, stateColumn, protocolName }: ReadConnection, tracker: L4Tracker, file: string): number {
  const { stateNames } = tracker.protocol;
  if (stateNames.length === 0) {
    if (state === undefined) return -1;
    throw new ConntrackListError(`${protocolName} has no state ${state}; expected src=`, file, line, stateColumn);
  }
  const number = state === undefined ? -1 : stateNames.indexOf(state);
  if (number >= 0) return number;
  const found = state === undefined ? `the state of ${protocolName} is missing` : `unknown state ${state}`;
  const problem = `${found}; expected one of ${stateNames.join(', ')}`;
  throw new ConntrackListError(withNearest(problem, state ?? '', stateNames), file, line, stateColumn);
}

function isTaken(table: ConntrackTable, { protocol, original, reply }: ReadConnection): boolean {
  return [original, reply].some(
    ({ source, destination, ports }) => table.peek(source, destination, ports, protocol, 0) >= 0,
  );
}

function addEntry(table: ConntrackTable, connection: ReadConnection): number {
  const { protocol, original, reply, isSeenReply, isAssured, mark, timeoutSeconds } = connection;
  const { source, destination, ports } = original;
  const entry = table.create(source, destination, ports, reply.ports, protocol, -1);
  const { words, doubles } = table;
  const base = entry * RECORD_WORDS;
  words[base + REPLY_TUPLE + TUPLE_SOURCE] = reply.source;
  words[base + REPLY_TUPLE + TUPLE_DESTINATION] = reply.destination;
  words[base + REPLY_TUPLE + TUPLE_PORTS] = reply.ports;
  words[base + STATUS] =
    translationOf(connection) | (isSeenReply ? Status.SEEN_REPLY : 0) | (isAssured ? Status.ASSURED : 0);
  words[base + MARK] = mark;
  for (const [direction, { packets, bytes }] of [original, reply].entries()) {
    doubles[entry * RECORD_F64 + PACKETS_F64 + direction] = packets;
    doubles[entry * RECORD_F64 + BYTES_F64 + direction] = bytes;
  }
  table.refresh(entry, 0, (timeoutSeconds + ROUNDING_SECONDS) * 1000);
  return entry;
}

/** The NAT bits of the status, which follow from how the two tuples differ. */
function translationOf({ protocol, original, reply }: ReadConnection): number {
  const ports = invertPorts(original.ports, protocol);
  const isShared = protocolOf(protocol).portSpace?.isShared === true;
  const replySource = isShared ? 0 : reply.ports & 0xffff;
  const source = isShared ? 0 : ports & 0xffff;
  const isDestination = reply.source !== original.destination || replySource !== source;
  const isSource =
    reply.destination !== original.source ||
    (isShared ? (reply.ports & 0xffff) !== (ports & 0xffff) : reply.ports >>> 16 !== ports >>> 16);
  return (
    Status.SRC_NAT_DONE | Status.DST_NAT_DONE | (isDestination ? Status.DST_NAT : 0) | (isSource ? Status.SRC_NAT : 0)
  );
}

/** Connections as plain values for listings. */
import type { ListedConnection, ListedDirection } from '../../codecs/conntrack-list.js';
import { type Direction, ORIGINAL, REPLY } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import {
  BYTES_F64,
  EXPIRES_MS_F64,
  MARK,
  ORIGINAL_TUPLE,
  PACKETS_F64,
  PROTOCOL,
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

/** Reads the record of ENTRY at NOW_MS, as `conntrack -L` would show it. */
export function listConnection(table: ConntrackTable, entry: number, nowMs: number): ListedConnection {
  const { words, doubles } = table;
  const base = entry * RECORD_WORDS;
  const protocol = protocolOf(words[base + PROTOCOL] & 0xff);
  const status = words[base + STATUS];
  const leftMs = doubles[entry * RECORD_F64 + EXPIRES_MS_F64] - nowMs;
  return {
    protocol: words[base + PROTOCOL] & 0xff,
    protocolName: protocol.name,
    tuple: protocol.listedTuple,
    // The kernel rounds down, and some time has always passed since the last packet.
    timeoutSeconds: Math.max(0, Math.ceil(leftMs / 1000) - 1),
    state: protocol.stateNames[words[base + protocol.stateWord]],
    original: listDirection(table, entry, ORIGINAL),
    reply: listDirection(table, entry, REPLY),
    isSeenReply: (status & Status.SEEN_REPLY) !== 0,
    isAccounted: table.isAccounted,
    isAssured: (status & Status.ASSURED) !== 0,
    mark: words[base + MARK] >>> 0,
  };
}

function listDirection({ words, doubles }: ConntrackTable, entry: number, direction: Direction): ListedDirection {
  const tuple = entry * RECORD_WORDS + (direction === ORIGINAL ? ORIGINAL_TUPLE : REPLY_TUPLE);
  const accounting = entry * RECORD_F64 + direction;
  return {
    source: words[tuple + TUPLE_SOURCE],
    destination: words[tuple + TUPLE_DESTINATION],
    ports: words[tuple + TUPLE_PORTS],
    packets: doubles[accounting + PACKETS_F64],
    bytes: doubles[accounting + BYTES_F64],
  };
}

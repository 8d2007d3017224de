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
    isAccounted: table.isAccounted(entry),
    isAssured: (status & Status.ASSURED) !== 0,
    mark: words[base + MARK] >>> 0,
  };
}

/**
 * The number of connections in TABLE at NOW_MS, and the entries of the MOST of them that carried the most bytes, both
 * ways. The busiest first; among equals, those with a lower entry.
 */
export function busiestConnections(
  table: ConntrackTable,
  nowMs: number,
  most: number,
): { count: number; entries: number[] } {
  const bytesOf = (entry: number): number => {
    const at = entry * RECORD_F64 + BYTES_F64;
    return table.doubles[at + ORIGINAL] + table.doubles[at + REPLY];
  };
  const byBytes = (a: number, b: number): number => bytesOf(b) - bytesOf(a) || a - b;
  let count = 0;
  let least = -1;
  let entries: number[] = [];
  table.forEach(nowMs, (entry) => {
    count++;
    if (bytesOf(entry) <= least) return;
    entries.push(entry);
    if (entries.length < 2 * most) return;
    entries = entries.sort(byBytes).slice(0, most);
    least = bytesOf(entries[most - 1]);
  });
  return { count, entries: entries.sort(byBytes).slice(0, most) };
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

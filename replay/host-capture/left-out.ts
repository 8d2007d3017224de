/** Which connections the user's selection (`--filter` and the like) has left packets out of. */
import {
  ORIGINAL_TUPLE,
  RECORD_WORDS,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../../core/conntrack/record.js';
import type { ConntrackTable } from '../../core/conntrack/table.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import { type PacketBytes, quotedPacket } from './packet-identity.js';

export class LeftOut {
  /** The tuples of those connections, in both directions. */
  readonly #connections = new Set<string>();
  readonly #tuple = new Tuple();

  /** PACKET is left out; TABLE knows the connections of the others. */
  add(packet: PacketBytes, table: ConntrackTable, nowMs: number): void {
    const tuple = this.#tuple;
    if (!this.#read(packet, table, nowMs)) return;
    this.#connections.add(keyOf(tuple));
    if (tuple.invert()) this.#connections.add(keyOf(tuple));
  }

  /** Whether an earlier packet of the connection of PACKET, or of what it quotes, was left out. */
  has(packet: PacketBytes, table: ConntrackTable, nowMs: number): boolean {
    return this.#connections.size > 0 && this.#read(packet, table, nowMs) && this.#connections.has(keyOf(this.#tuple));
  }

  /** Reads how the connection of PACKET began, if TABLE has it; or else the tuple of PACKET. */
  #read(packet: PacketBytes, table: ConntrackTable, nowMs: number): boolean {
    const tuple = this.#tuple;
    const { view, at, available } = quotedPacket(packet) ?? packet;
    if (!tuple.read(view, at, available)) return false;
    const found = findEither(tuple, table, nowMs);
    if (found < 0) return true;
    const base = (found >>> 1) * RECORD_WORDS + ORIGINAL_TUPLE;
    tuple.source = table.words[base + TUPLE_SOURCE];
    tuple.destination = table.words[base + TUPLE_DESTINATION];
    tuple.ports = table.words[base + TUPLE_PORTS];
    return true;
  }
}

/** The connection in TABLE that has TUPLE, or its inverse, which is that of what left after NAT; -1: none. */
export function findEither(
  { source, destination, ports, protocol }: Tuple,
  table: ConntrackTable,
  nowMs: number,
): number {
  const found = table.peek(source, destination, ports, protocol, nowMs);
  const inverse = new Tuple();
  Object.assign(inverse, { source, destination, ports, protocol });
  if (found >= 0 || !inverse.invert()) return found;
  return table.peek(inverse.source, inverse.destination, inverse.ports, protocol, nowMs);
}

function keyOf({ protocol, source, destination, ports }: Tuple): string {
  return `${protocol} ${source} ${destination} ${ports}`;
}

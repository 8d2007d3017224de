/** What the emulated host's connection table knows about a packet that the host sent. */
import { internetChecksum, transportChecksum } from '../../codecs/checksum.js';
import { ICMP_CHECKSUM_AT, IPPROTO_UDP, IPV4_PROTOCOL_AT, IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import {
  ORIGINAL_TUPLE,
  RECORD_WORDS,
  REPLY_TUPLE,
  STATUS,
  Status,
  TUPLE_DESTINATION,
  TUPLE_PORTS,
  TUPLE_SOURCE,
} from '../../core/conntrack/record.js';
import type { ConntrackTable } from '../../core/conntrack/table.js';
import { invertPorts, Tuple } from '../../core/conntrack/tuple.js';
import { mangle } from '../../core/nat/mangle.js';
import { Manip } from '../../core/nat/range.js';
import { portOf } from '../../core/nat/unique-tuple.js';
import { ORIGINAL } from '../../core/packet.js';
import { protocolOf } from '../../core/protocols/registry.js';
import {
  hasUnfinishedChecksum,
  isSamePacket,
  type PacketBytes,
  quotedPacket,
  transportChecksumAt,
} from './packet-identity.js';

/** A packet as it was before the host translated it. Addresses as loaded; ports as in a tuple. */
export interface Untranslated {
  readonly source: number;
  readonly destination: number;
  readonly ports: number;
  /** The packet has the same addresses and ports as it left. */
  readonly isSame: boolean;
}

/**
 * How the packet that left as the one at AT of VIEW was addressed before NAT, by its connection in TABLE; undefined if
 * no connection has it. A packet that leaves is what the other end answers: the inverse of its tuple is in the table.
 */
export function untranslate(
  table: ConntrackTable,
  nowMs: number,
  { view, at, available }: { view: DataView; at: number; available: number },
): Untranslated | undefined {
  const tuple = new Tuple();
  if (!tuple.read(view, at, available)) return undefined;
  const { source, destination, ports, protocol } = tuple;
  if (!tuple.invert()) return undefined;
  const answer = table.peek(tuple.source, tuple.destination, tuple.ports, protocol, nowMs);
  if (answer < 0) return undefined;
  const own = (answer & 1) === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE;
  const base = (answer >>> 1) * RECORD_WORDS + own;
  const before = {
    source: table.words[base + TUPLE_SOURCE],
    destination: table.words[base + TUPLE_DESTINATION],
    ports: table.words[base + TUPLE_PORTS],
  };
  const isSame = before.source === source && before.destination === destination && before.ports === ports;
  return { ...before, isSame };
}

/**
 * Takes back what NAT did to PACKET, an ICMP error of the host itself about a packet of a translated connection in
 * TABLE: the quote becomes what reached the host, and the error is between its ends. Returns whether it did.
 */
export function takeBackError(table: ConntrackTable, nowMs: number, packet: PacketBytes): boolean {
  const quoted = quotedPacket(packet);
  const tuple = new Tuple();
  if (quoted === undefined || !tuple.read(quoted.view, quoted.at, quoted.available)) return false;
  const sent = table.peek(tuple.source, tuple.destination, tuple.ports, tuple.protocol, nowMs);
  if (sent < 0) return false;
  const answer = (sent >>> 1) * RECORD_WORDS + ((sent & 1) === ORIGINAL ? REPLY_TUPLE : ORIGINAL_TUPLE);
  const { words } = table;
  // What reached the host is what its answer is the inverse of.
  const source = words[answer + TUPLE_DESTINATION];
  const destination = words[answer + TUPLE_SOURCE];
  const ports = invertPorts(words[answer + TUPLE_PORTS], tuple.protocol);
  if (source === tuple.source && destination === tuple.destination && ports === tuple.ports) return false;
  const { view, at, available } = packet;
  const isFromReceiver = view.getInt32(at + IPV4_SOURCE_AT, true) === tuple.destination;
  readdress(quoted, { source, destination, ports });
  mangle(view, at, available, Manip.DST, source, 0);
  if (isFromReceiver) mangle(view, at, available, Manip.SRC, destination, 0);
  const l4 = at + ((view.getUint8(at) & 15) << 2);
  view.setUint16(l4 + ICMP_CHECKSUM_AT, 0);
  view.setUint16(l4 + ICMP_CHECKSUM_AT, internetChecksum(view, l4, at + available - l4));
  return true;
}

/** Addresses PACKET as BEFORE says. */
export function readdress(packet: PacketBytes, before: Omit<Untranslated, 'isSame'>): void {
  finishChecksum(packet);
  const { view, at, available } = packet;
  const { portSpace } = protocolOf(view.getUint8(at + IPV4_PROTOCOL_AT));
  const destinationEnd = portSpace?.isShared === true ? Manip.SRC : Manip.DST;
  mangle(view, at, available, Manip.SRC, before.source, portOf(before.ports, Manip.SRC));
  mangle(view, at, available, Manip.DST, before.destination, portOf(before.ports, destinationEnd));
}

/** A checksum that is left to the network card cannot be updated: it becomes a whole one. */
function finishChecksum(packet: PacketBytes): void {
  const checksumAt = transportChecksumAt(packet);
  if (checksumAt === 0 || !hasUnfinishedChecksum(packet) || packet.available < packet.length) return;
  const { view, at, length } = packet;
  const headerLength = (view.getUint8(at) & 15) << 2;
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  view.setUint16(at + checksumAt, 0);
  const checksum = transportChecksum(view, at, at + headerLength, protocol, length - headerLength);
  // RFC 768: in UDP, 0 means that there is none.
  view.setUint16(at + checksumAt, checksum === 0 && protocol === IPPROTO_UDP ? 0xffff : checksum);
}

/**
 * If CAPTURED, which left the captured host, differs from EMITTED only in the port (ICMP: the ID) that source NAT chose
 * for a new connection, makes that the port of the connection in TABLE, and returns true.
 */
export function learnPort(table: ConntrackTable, nowMs: number, emitted: PacketBytes, captured: PacketBytes): boolean {
  const [tuple, wanted] = [new Tuple(), new Tuple()];
  const isRead = [emitted, captured].every(({ view, at, available }, i) =>
    [tuple, wanted][i].read(view, at, available),
  );
  if (!isRead || !tuple.invert() || !wanted.invert()) return false;
  const { source, destination, ports, protocol } = tuple;
  if (wanted.source !== source || wanted.destination !== destination || wanted.protocol !== protocol) return false;
  const answer = table.peek(source, destination, ports, protocol, nowMs);
  const isTaken = table.peek(wanted.source, wanted.destination, wanted.ports, protocol, nowMs) >= 0;
  if (answer < 0 || (answer & 1) === ORIGINAL || isTaken) return false;
  const base = (answer >>> 1) * RECORD_WORDS;
  const status = table.words[base + STATUS];
  if ((status & Status.SEEN_REPLY) !== 0 || (status & Status.SRC_NAT) === 0) return false;
  const view = new DataView(emitted.view.buffer.slice(0));
  const { portSpace } = protocolOf(protocol);
  const isShared = portSpace?.isShared === true;
  // In the answer, the port that NAT chose is that of the destination.
  const port = portOf(wanted.ports, isShared ? Manip.SRC : Manip.DST);
  mangle(view, emitted.at, emitted.available, Manip.SRC, wanted.destination, port);
  if (!isSamePacket({ ...emitted, view }, captured)) return false;
  table.setReplyPorts(answer >>> 1, wanted.ports);
  return true;
}

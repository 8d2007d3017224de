/** Packets as they appear in events. */
import { formatLoaded } from '../codecs/byte-order.js';
import {
  ICMP_CODE_AT,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_FRAGMENT_AT,
  IPV4_MF,
  IPV4_TOS_AT,
  IPV4_TTL_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_WINDOW_AT,
} from '../codecs/layouts.js';
import { isFragment } from './decode.js';
import type { AnsweredEvent, DroppedEvent, PacketEnd, PacketFields, TcpFields } from './events.js';
import type { Packet } from './packet.js';

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** An observed packet has many of these: none is put together from parts, which takes several times as long. */
export function packetFields(packet: Packet): PacketFields {
  const { protocol, sport, dport, length, mark, view, at } = packet;
  const source = formatLoaded(packet.source);
  const destination = formatLoaded(packet.destination);
  const lengthBytes = length;
  const ttl = view.getUint8(at + IPV4_TTL_AT);
  const tos = view.getUint8(at + IPV4_TOS_AT);
  const fields: Writable<PacketFields> =
    sport < 0
      ? { protocol, source, destination, lengthBytes, ttl, tos, mark: mark >>> 0 }
      : { protocol, source, destination, sport, dport, lengthBytes, ttl, tos, mark: mark >>> 0 };
  addHeaderFields(packet, fields);
  return fields;
}

/** Adds to FIELDS what the layer-4 header says, and where in its packet a fragment starts. */
function addHeaderFields(packet: Packet, fields: Writable<PacketFields>): void {
  const { protocol, fragmentOffset, view, at, l4, l4Available } = packet;
  if (isFragment(packet)) {
    const isLast = (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_MF) === 0;
    fields.fragment = { offsetBytes: fragmentOffset, isLast };
  }
  if (fragmentOffset > 0) return;
  if (protocol === IPPROTO_TCP && l4Available >= TCP_LENGTH) fields.tcp = tcpFields(packet);
  else if (protocol === IPPROTO_ICMP && l4Available > ICMP_CODE_AT)
    fields.icmp = { type: view.getUint8(l4 + ICMP_TYPE_AT), code: view.getUint8(l4 + ICMP_CODE_AT) };
}

function tcpFields({ view, l4, length, headerLength }: Packet): TcpFields {
  const tcpLength = (view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) * 4;
  return {
    flags: view.getUint8(l4 + TCP_FLAGS_AT),
    sequence: view.getUint32(l4 + TCP_SEQUENCE_AT),
    acknowledgment: view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT),
    window: view.getUint16(l4 + TCP_WINDOW_AT),
    dataBytes: Math.max(0, length - headerLength - tcpLength),
  };
}

export function packetEnd(address: number, port: number): PacketEnd {
  return port < 0 ? { address: formatLoaded(address) } : { address: formatLoaded(address), port };
}

/** The packet fields of a `DroppedEvent`. */
export function dropFields(packet: Packet): Omit<DroppedEvent, 'kind' | 'cause'> {
  const { isTranslated, isRejected, untranslatedDestination, untranslatedDport } = packet;
  // The fields of a malformed packet are unknown.
  if (packet.headerLength === 0) return { isRejected };
  const before = isTranslated ? packetEnd(untranslatedDestination, untranslatedDport) : undefined;
  return {
    isRejected,
    packet: packetFields(packet),
    ...(before === undefined ? {} : { untranslatedDestination: before }),
  };
}

/** The packet fields of an `AnsweredEvent`. */
export function answerFields(answer: Packet): Pick<AnsweredEvent, 'packet' | 'icmp'> {
  const packet = packetFields(answer);
  return { packet, ...(packet.icmp === undefined ? {} : { icmp: packet.icmp }) };
}

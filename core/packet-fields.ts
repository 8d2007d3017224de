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

export function packetFields(packet: Packet): PacketFields {
  const { protocol, sport, dport, length, mark, view, at } = packet;
  return {
    protocol,
    source: formatLoaded(packet.source),
    destination: formatLoaded(packet.destination),
    ...(sport < 0 ? {} : { sport, dport }),
    lengthBytes: length,
    ttl: view.getUint8(at + IPV4_TTL_AT),
    tos: view.getUint8(at + IPV4_TOS_AT),
    mark: mark >>> 0,
    ...headerFields(packet),
  };
}

/** What the layer-4 header says, and where in its packet a fragment starts. */
function headerFields(packet: Packet): Pick<PacketFields, 'tcp' | 'icmp' | 'fragment'> {
  const { protocol, fragmentOffset, view, at, l4, l4Available } = packet;
  const isLast = (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_MF) === 0;
  const fragment = isFragment(packet) ? { fragment: { offsetBytes: fragmentOffset, isLast } } : {};
  if (fragmentOffset > 0) return fragment;
  if (protocol === IPPROTO_TCP && l4Available >= TCP_LENGTH) return { ...fragment, tcp: tcpFields(packet) };
  if (protocol !== IPPROTO_ICMP || l4Available <= ICMP_CODE_AT) return fragment;
  const icmp = { type: view.getUint8(l4 + ICMP_TYPE_AT), code: view.getUint8(l4 + ICMP_CODE_AT) };
  return { ...fragment, icmp };
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
  return { address: formatLoaded(address), ...(port < 0 ? {} : { port }) };
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

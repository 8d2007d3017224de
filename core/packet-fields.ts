/** Packets as they appear in events. */
import { formatLoaded } from '../codecs/byte-order.js';
import { ICMP_CODE_AT, ICMP_TYPE_AT, IPPROTO_ICMP, IPV4_TOS_AT, IPV4_TTL_AT } from '../codecs/layouts.js';
import type { AnsweredEvent, DroppedEvent, PacketEnd, PacketFields } from './events.js';
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
  };
}

export function packetEnd(address: number, port: number): PacketEnd {
  return { address: formatLoaded(address), ...(port < 0 ? {} : { port }) };
}

/** The packet fields of a `DroppedEvent`. */
export function dropFields(packet: Packet): Pick<DroppedEvent, 'packet' | 'untranslatedDestination'> {
  // The fields of a malformed packet are unknown.
  if (packet.headerLength === 0) return {};
  const { isTranslated, untranslatedDestination, untranslatedDport } = packet;
  const before = isTranslated ? packetEnd(untranslatedDestination, untranslatedDport) : undefined;
  return { packet: packetFields(packet), ...(before === undefined ? {} : { untranslatedDestination: before }) };
}

/** The packet fields of an `AnsweredEvent`. */
export function answerFields(answer: Packet): Pick<AnsweredEvent, 'packet' | 'icmp'> {
  const packet = packetFields(answer);
  if (answer.protocol !== IPPROTO_ICMP) return { packet };
  const { view, l4 } = answer;
  return { packet, icmp: { type: view.getUint8(l4 + ICMP_TYPE_AT), code: view.getUint8(l4 + ICMP_CODE_AT) } };
}

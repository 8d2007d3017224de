/** The RST sent by REJECT --reject-with tcp-reset (RFC 9293, section 3.10.7.1; nf_send_reset). */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { type Packet, tcpHeaderLength } from '../packet.js';
import { resetChecksumOk } from './reject-checksum.js';

/** Length of a RST in bytes. */
const RESET_LENGTH = IPV4_LENGTH + TCP_LENGTH;

/**
 * Builds in ANSWER a RST for PACKET, with addresses and ports swapped. ANSWER's `bytes`, `view` and `at` must be set
 * and have room for 40 bytes. TTL is net.ipv4.ip_default_ttl. TO_MANY: PACKET was routed as broadcast or multicast.
 * CONNTRACK_CHECKED: see `rejectChecksumOk`.
 *
 * Returns its length, or 0 if there is no answer: PACKET is a RST, not TCP, a fragment other than the first, lacks its
 * full TCP header, has a wrong checksum, or was sent to many.
 */
export function buildTcpReset(
  answer: Packet,
  packet: Packet,
  toMany: boolean,
  ttl: number,
  conntrackChecked: boolean,
): number {
  if (toMany || packet.protocol !== IPPROTO_TCP || packet.fragmentOffset !== 0) return 0;
  if (packet.l4Available < TCP_LENGTH) return 0;
  const flags = packet.bytes[packet.l4 + TCP_FLAGS_AT];
  if ((flags & TCP_RST) !== 0 || !resetChecksumOk(packet, conntrackChecked)) return 0;

  const { bytes, view, at } = answer;
  const tcp = at + IPV4_LENGTH;
  bytes.fill(0, at, at + RESET_LENGTH);
  view.setUint8(at, 0x45);
  view.setUint8(at + IPV4_TOS_AT, 0);
  view.setUint16(at + IPV4_TOTAL_LENGTH_AT, RESET_LENGTH);
  view.setUint16(at + IPV4_ID_AT, 0);
  view.setUint16(at + IPV4_FRAGMENT_AT, IPV4_DF);
  view.setUint8(at + IPV4_TTL_AT, ttl);
  view.setUint8(at + IPV4_PROTOCOL_AT, IPPROTO_TCP);
  view.setInt32(at + IPV4_SOURCE_AT, packet.view.getInt32(packet.at + IPV4_DESTINATION_AT, true), true);
  view.setInt32(at + IPV4_DESTINATION_AT, packet.view.getInt32(packet.at + IPV4_SOURCE_AT, true), true);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, IPV4_LENGTH));

  view.setUint16(tcp, packet.view.getUint16(packet.l4 + 2));
  view.setUint16(tcp + 2, packet.view.getUint16(packet.l4));
  view.setUint8(tcp + TCP_DATA_OFFSET_AT, (TCP_LENGTH >> 2) << 4);
  if ((flags & TCP_ACK) !== 0) {
    view.setUint8(tcp + TCP_FLAGS_AT, TCP_RST);
    view.setUint32(tcp + TCP_SEQUENCE_AT, packet.view.getUint32(packet.l4 + TCP_ACKNOWLEDGMENT_AT));
  } else {
    view.setUint8(tcp + TCP_FLAGS_AT, TCP_RST | TCP_ACK);
    view.setUint32(tcp + TCP_ACKNOWLEDGMENT_AT, sequenceAfter(packet, flags));
  }
  const sum = pseudoHeaderSum(view, at, IPPROTO_TCP, TCP_LENGTH);
  view.setUint16(tcp + TCP_CHECKSUM_AT, internetChecksum(view, tcp, TCP_LENGTH, sum));

  answer.hasUnfinishedChecksum = true;
  answer.hasTrustedChecksum = true;
  answer.length = RESET_LENGTH;
  answer.available = RESET_LENGTH;
  answer.headerLength = IPV4_LENGTH;
  answer.reload();
  return RESET_LENGTH;
}

/** The next sequence number after PACKET, modulo 2^32. */
function sequenceAfter(packet: Packet, flags: number): number {
  const sent =
    packet.l4Length - tcpHeaderLength(packet) + ((flags & TCP_SYN) !== 0 ? 1 : 0) + ((flags & TCP_FIN) !== 0 ? 1 : 0);
  return (packet.view.getUint32(packet.l4 + TCP_SEQUENCE_AT) + sent) >>> 0;
}

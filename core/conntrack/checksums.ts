/** hot: layer-4 checksums, as far as conntrack looks at them. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  TCP_LENGTH,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import { type Packet, tcpHeaderLength } from '../packet.js';

/**
 * Whether PACKET is of a protocol whose checksum conntrack looks at, and its header lets it come so far: a header that is
 * too short, or lengths that do not fit, make a packet INVALID before (tcp_error, udp_error, nf_conntrack_icmpv4_error).
 */
export function reachesChecksum(packet: Packet): boolean {
  const { view, l4, l4Length, l4Available } = packet;
  switch (packet.protocol) {
    case IPPROTO_TCP: {
      if (l4Length < TCP_LENGTH || l4Available < TCP_LENGTH) return false;
      const headerLength = tcpHeaderLength(packet);
      return headerLength >= TCP_LENGTH && headerLength <= l4Length;
    }
    case IPPROTO_UDP: {
      if (l4Length < UDP_LENGTH || l4Available < UDP_LENGTH) return false;
      const announcedBytes = view.getUint16(l4 + UDP_LENGTH_AT);
      return announcedBytes >= UDP_LENGTH && announcedBytes <= l4Length;
    }
    case IPPROTO_ICMP:
      return l4Length >= ICMP_LENGTH && l4Available >= ICMP_LENGTH;
    default:
      return false;
  }
}

/**
 * Whether PACKET, arriving from outside, fails the checksum over its pseudo header as PROTOCOL and all that follows the IP
 * header (nf_ip_checksum). What a snaplen cut away is trusted, and so is what this host itself sends.
 */
export function isChecksumBad(packet: Packet, protocol: number): boolean {
  if (packet.hook !== Hook.PREROUTING || packet.isCut) return false;
  const lengthBytes = packet.l4Length;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, lengthBytes);
  return internetChecksum(packet.view, packet.l4, lengthBytes, sum) !== 0;
}

/** The same over the first COVERAGE_BYTES after the IP header only (nf_checksum_partial; UDP-Lite, RFC 3828). */
export function isPartialChecksumBad(packet: Packet, protocol: number, coverageBytes: number): boolean {
  if (packet.hook !== Hook.PREROUTING || coverageBytes > packet.l4Available) return false;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, packet.l4Length);
  return internetChecksum(packet.view, packet.l4, coverageBytes, sum) !== 0;
}

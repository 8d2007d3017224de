/** hot: checksums with a pseudo header, as conntrack verifies them on arrival. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { Hook } from '../hooks.js';
import type { Packet } from '../packet.js';

/**
 * Whether the checksum of an arriving PACKET is wrong, taken over the pseudo header for PROTOCOL and everything after
 * the IP header (nf_ip_checksum). Packets truncated by a snaplen and packets from the host itself are trusted.
 */
export function isChecksumBad(packet: Packet, protocol: number): boolean {
  if (packet.hook !== Hook.PREROUTING || packet.isCut) return false;
  const lengthBytes = packet.l4Length;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, lengthBytes);
  return internetChecksum(packet.view, packet.l4, lengthBytes, sum) !== 0;
}

/** The same for only the first COVERAGE_BYTES after the IP header (nf_checksum_partial; UDP-Lite, RFC 3828). */
export function isPartialChecksumBad(packet: Packet, protocol: number, coverageBytes: number): boolean {
  if (packet.hook !== Hook.PREROUTING || coverageBytes > packet.l4Available) return false;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, packet.l4Length);
  return internetChecksum(packet.view, packet.l4, coverageBytes, sum) !== 0;
}

/** hot: checksums over a pseudo header, as conntrack verifies them where a packet arrives from outside. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { Hook } from '../hooks.js';
import type { Packet } from '../packet.js';

/**
 * Whether PACKET, arriving from outside, fails the checksum over its pseudo header as PROTOCOL and all that follows the
 * IP header (nf_ip_checksum). What a snaplen cut away is trusted, and so is what this host itself sends.
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

/** hot: checksums with a pseudo header: as conntrack verifies them on arrival, and left to the network card. */
import { fold, internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { Hook } from '../hooks.js';
import type { Packet } from '../packet.js';
import type { ChecksumOffload } from './protocol.js';

/**
 * Whether the checksum of an arriving PACKET is wrong, taken over the pseudo header for PROTOCOL and everything after
 * the IP header (nf_ip_checksum). Packets truncated by a snaplen and packets from the host itself are trusted.
 */
export function isChecksumBad(packet: Packet, protocol: number): boolean {
  if (packet.hook !== Hook.PREROUTING || packet.isCut || packet.hasTrustedChecksum) return false;
  const lengthBytes = packet.l4Length;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, lengthBytes);
  return internetChecksum(packet.view, packet.l4, lengthBytes, sum) !== 0;
}

/** The same for only the first COVERAGE_BYTES after the IP header (nf_checksum_partial; UDP-Lite, RFC 3828). */
export function isPartialChecksumBad(packet: Packet, protocol: number, coverageBytes: number): boolean {
  if (packet.hook !== Hook.PREROUTING || coverageBytes > packet.l4Available || packet.hasTrustedChecksum) return false;
  const sum = pseudoHeaderSum(packet.view, packet.at, protocol, packet.l4Length);
  return internetChecksum(packet.view, packet.l4, coverageBytes, sum) !== 0;
}

/**
 * The checksum at offset CHECKSUM_AT of PROTOCOL's header, left to the network card: the field holds the sum of the
 * pseudo header, not complemented (CHECKSUM_PARTIAL). ZERO: what a checksum of 0 is written as.
 */
export function pseudoHeaderOffload(protocol: number, checksumAt: number, zero: number): ChecksumOffload {
  const unfinished = (packet: Packet): number =>
    fold(pseudoHeaderSum(packet.view, packet.at, protocol, packet.l4Length));
  return {
    isUnfinished: (packet) =>
      packet.l4Available >= checksumAt + 2 && packet.view.getUint16(packet.l4 + checksumAt) === unfinished(packet),
    finish(packet) {
      const { view, l4 } = packet;
      const field = view.getUint16(l4 + checksumAt);
      // The sum of the pseudo header is in the field.
      const checksum = internetChecksum(view, l4, packet.l4Length) || zero;
      view.setUint16(l4 + checksumAt, checksum);
      return checksum !== field;
    },
    unfinish: (packet, view, l4) => view.setUint16(l4 + checksumAt, unfinished(packet)),
  };
}

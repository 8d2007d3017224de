/** The checksum check that REJECT makes before it answers (nf_reject_verify_csum, nf_ip_checksum). */
import { fold, pseudoHeaderSum, sumBytes } from '../../codecs/checksum.js';
import {
  IPPROTO_GRE,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import { Hook } from '../hooks.js';
import type { Packet } from '../packet.js';

const IPPROTO_ESP = 50;
const IPPROTO_AH = 51;

/**
 * Whether REJECT answers PACKET with an ICMP error, as far as checksums go. UDP without checksum and protocols that have
 * another kind of check pass; TCP and UDP are checked; of all others the whole payload must sum up like a header with a
 * checksum, as ICMP's does. CONNTRACK_CHECKED: conntrack has looked at it on arrival.
 */
export function rejectChecksumOk(packet: Packet, conntrackChecked: boolean): boolean {
  switch (packet.protocol) {
    case IPPROTO_UDP:
      if (packet.l4Available >= UDP_LENGTH && packet.view.getUint16(packet.l4 + UDP_CHECKSUM_AT) === 0) return true;
      break;
    case IPPROTO_GRE:
    case IPPROTO_ESP:
    case IPPROTO_AH:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      return true;
  }
  return checksumOk(packet, !conntrackChecked);
}

/** The same of a RST: conntrack's check counts for it only where the packet is for the host itself. */
export function resetChecksumOk(packet: Packet, conntrackChecked: boolean): boolean {
  return checksumOk(packet, !(conntrackChecked && packet.hook === Hook.INPUT));
}

/**
 * Whether the layer-4 checksum is right; a zero one of UDP is not. WITH_HEADER: the IP header is summed up as well, and must
 * have a right checksum, which it has not where an option was rewritten on arrival (see `takeOptions`). A packet cut by a
 * snaplen is trusted.
 */
function checksumOk(packet: Packet, withHeader: boolean): boolean {
  if (packet.isCut) return true;
  const { view, at, l4, protocol, length } = packet;
  const hasPseudoHeader = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  const pseudo = hasPseudoHeader ? pseudoHeaderSum(view, at, protocol, packet.l4Length) : 0;
  const from = withHeader ? at : l4;
  const sum = fold(sumBytes(view, from, at + length - from, pseudo));
  // Without the IP header nothing may be left but zeros: see `isIcmpChecksumRight`.
  return sum === 0xffff || sum === 0;
}

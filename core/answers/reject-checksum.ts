/** The checksum check that REJECT makes before it answers (nf_reject_verify_csum, nf_ip_checksum). */
import { fold, pseudoHeaderSum, sumBytes } from '../../codecs/checksum.js';
import {
  IPPROTO_DCCP,
  IPPROTO_GRE,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';

const IPPROTO_ESP = 50;
const IPPROTO_AH = 51;

/**
 * Whether REJECT answers PACKET with an ICMP error, as far as checksums go. UDP without checksum and protocols that have
 * another kind of check pass; TCP and UDP are checked; of all others the whole payload must sum up like a header with a
 * checksum, as ICMP's does. One cut by a snaplen is trusted.
 */
export function rejectChecksumOk(packet: Packet): boolean {
  switch (packet.protocol) {
    case IPPROTO_UDP:
      if (packet.l4Available >= UDP_LENGTH && packet.view.getUint16(packet.l4 + UDP_CHECKSUM_AT) === 0) return true;
      break;
    case IPPROTO_GRE:
    case IPPROTO_ESP:
    case IPPROTO_AH:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
    case IPPROTO_DCCP:
      return true;
  }
  return layer4ChecksumOk(packet);
}

/** Whether the layer-4 checksum of PACKET is right, by the rules of the function above; a zero one of UDP is not. */
export function layer4ChecksumOk(packet: Packet): boolean {
  if (packet.isCut) return true;
  const { view, protocol, l4Length } = packet;
  const hasPseudoHeader = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  const pseudo = hasPseudoHeader ? pseudoHeaderSum(view, packet.at, protocol, l4Length) : 0;
  return fold(sumBytes(view, packet.l4, l4Length, pseudo)) === 0xffff;
}

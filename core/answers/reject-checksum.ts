/** The checksum check before REJECT answers (nf_reject_verify_csum, nf_ip_checksum). */
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
import { CtInfo, type Packet } from '../packet.js';

const IPPROTO_ESP = 50;
const IPPROTO_AH = 51;

/**
 * Whether the checksums of PACKET allow REJECT to answer it with an ICMP error. UDP without a checksum passes, as do
 * protocols with other kinds of checksums. TCP and UDP are verified. For all other protocols the whole payload must sum
 * to zero, as ICMP does. CONNTRACK_CHECKED: conntrack verified the checksum on arrival.
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
  // What conntrack found right stays so (skb_csum_unnecessary), even if a source route has changed the destination.
  return (conntrackChecked && packet.ctinfo !== CtInfo.INVALID) || checksumOk(packet, !conntrackChecked);
}

/** The same for a RST. Here conntrack's check counts only if the packet is addressed to the host itself. */
export function resetChecksumOk(packet: Packet, conntrackChecked: boolean): boolean {
  return checksumOk(packet, !(conntrackChecked && packet.hook === Hook.INPUT));
}

/**
 * Whether the layer-4 checksum is correct. A zero UDP checksum is not. With WITH_HEADER the IP header is summed too.
 * Its checksum is wrong if an option was rewritten on arrival (see `processOptions`). Packets truncated by a snaplen
 * and offloaded checksums are trusted.
 */
function checksumOk(packet: Packet, withHeader: boolean): boolean {
  if (packet.isCut || packet.hasTrustedChecksum) return true;
  const { view, at, l4, protocol, length } = packet;
  const hasPseudoHeader = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  const pseudo = hasPseudoHeader ? pseudoHeaderSum(view, at, protocol, packet.l4Length) : 0;
  const from = withHeader ? at : l4;
  const sum = fold(sumBytes(view, from, at + length - from, pseudo));
  // Without the IP header, a sum of 0 means that all bytes are zero: see `isIcmpChecksumRight`.
  return sum === 0xffff || sum === 0;
}

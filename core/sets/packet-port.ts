/** hot: what sets take for the port of a packet (ip_set_get_ip4_port). */
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';

const TCP_LENGTH = 20;
const UDP_LENGTH = 8;
const SCTP_LENGTH = 12;
const ICMP_LENGTH = 8;
const ICMPV6_LENGTH = 8;

/** No packet with such a header is in a set with ports: it is a later fragment, or its header is cut short. */
export const NO_PORT = -1;

/**
 * The source's port of PACKET, or the destination's; type and code of ICMP; 0 for another protocol, DCCP among them.
 * NO_PORT: such a packet is in no set.
 */
export function portOf(packet: Packet, isSource: boolean): number {
  if (packet.fragmentOffset !== 0 || packet.protocol === 0) return NO_PORT;
  switch (packet.protocol) {
    case IPPROTO_TCP:
      return packet.l4Available < TCP_LENGTH ? NO_PORT : endOf(packet, isSource);
    case IPPROTO_SCTP:
      return packet.l4Available < SCTP_LENGTH ? NO_PORT : endOf(packet, isSource);
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      return packet.l4Available < UDP_LENGTH ? NO_PORT : endOf(packet, isSource);
    case IPPROTO_ICMP:
      return packet.l4Available < ICMP_LENGTH ? NO_PORT : packet.view.getUint16(packet.l4);
    case IPPROTO_ICMPV6:
      return packet.l4Available < ICMPV6_LENGTH ? NO_PORT : packet.view.getUint16(packet.l4);
    default:
      return 0;
  }
}

function endOf(packet: Packet, isSource: boolean): number {
  return isSource ? packet.sport : packet.dport;
}

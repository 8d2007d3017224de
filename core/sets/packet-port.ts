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

/** No packet with such a header is in a set with ports: it is a later fragment, or its header is cut short. */
export const NO_PORT = -1;

/**
 * The source's port of PACKET, or the destination's; type and code of ICMP; 0 for another protocol, DCCP among them.
 * NO_PORT: such a packet is in no set.
 */
export function portOf(packet: Packet, isSource: boolean): number {
  const { protocol } = packet;
  if (protocol === 0) return NO_PORT;
  const length = headerLength(protocol);
  if (packet.fragmentOffset !== 0) return length === 0 || protocol === IPPROTO_ICMPV6 ? 0 : NO_PORT;
  if (length === 0) return 0;
  if (packet.l4Available < length) return NO_PORT;
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) return packet.view.getUint16(packet.l4);
  return isSource ? packet.sport : packet.dport;
}

/** How much of a header there has to be; 0: the kernel looks for no ports in this protocol. */
function headerLength(protocol: number): number {
  switch (protocol) {
    case IPPROTO_TCP:
      return TCP_LENGTH;
    case IPPROTO_SCTP:
      return SCTP_LENGTH;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      return UDP_LENGTH;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return ICMP_LENGTH;
    default:
      return 0;
  }
}

/** hot: rewriting one end of a packet, with its checksums (nf_nat_manip_pkt). */
import { addressSum, sctpChecksum, updateChecksum } from '../../codecs/checksum.js';
import {
  ICMP_CHECKSUM_AT,
  ICMP_ID_AT,
  ICMP_LENGTH,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import { Manip } from '../rules/context.js';

/** How much of a TCP or SCTP header must be there to be rewritten: the ports, as an ICMP error quotes them. */
const QUOTED_LENGTH = 8;
const SCTP_LENGTH = 12;
const SCTP_CHECKSUM_AT = 8;
/** Enhanced GRE (RFC 2637, section 4.1) up to the call ID. */
const GRE_LENGTH = 8;
const GRE_VERSION_MASK = 7;
const GRE_CALL_ID_AT = 6;

/**
 * Give the IPv4 packet at AT the address and the port (ICMP: id; GRE: call id) of the end MANIP. END_PORT is in host
 * order. AVAILABLE bytes of the packet are there. A checksum follows incrementally (RFC 1624), so a wrong one stays wrong.
 * False where the header is too short to be rewritten; the packet is untouched then.
 */
export function mangle(
  view: DataView,
  at: number,
  available: number,
  manip: Manip,
  address: number,
  endPort: number,
): boolean {
  const headerLength = (view.getUint8(at) & 15) << 2;
  const addressAt = at + (manip === Manip.SRC ? IPV4_SOURCE_AT : IPV4_DESTINATION_AT);
  const oldAddressSum = addressSum(view.getInt32(addressAt, true));
  const newAddressSum = addressSum(address);
  const l4 = at + headerLength;
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const portAt = l4 + (manip === Manip.SRC ? 0 : 2);
  if (!mangleTransport(view, l4, portAt, available - headerLength, protocol, endPort, oldAddressSum, newAddressSum)) {
    return false;
  }
  view.setInt32(addressAt, address, true);
  const checksumAt = at + IPV4_CHECKSUM_AT;
  view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), oldAddressSum, newAddressSum));
  return true;
}

function mangleTransport(
  view: DataView,
  l4: number,
  portAt: number,
  available: number,
  protocol: number,
  port: number,
  oldAddressSum: number,
  newAddressSum: number,
): boolean {
  switch (protocol) {
    case IPPROTO_TCP: {
      if (available < QUOTED_LENGTH) return false;
      const oldPort = view.getUint16(portAt);
      view.setUint16(portAt, port);
      if (available < TCP_LENGTH) return true;
      const checksumAt = l4 + TCP_CHECKSUM_AT;
      const checksum = view.getUint16(checksumAt);
      view.setUint16(checksumAt, updateChecksum(checksum, oldAddressSum + oldPort, newAddressSum + port));
      return true;
    }
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE: {
      if (available < UDP_LENGTH) return false;
      const oldPort = view.getUint16(portAt);
      view.setUint16(portAt, port);
      const checksumAt = l4 + UDP_CHECKSUM_AT;
      const checksum = view.getUint16(checksumAt);
      if (checksum === 0 && protocol === IPPROTO_UDP) return true;
      const updated = updateChecksum(checksum, oldAddressSum + oldPort, newAddressSum + port);
      view.setUint16(checksumAt, updated === 0 ? 0xffff : updated);
      return true;
    }
    case IPPROTO_SCTP:
      if (available < QUOTED_LENGTH) return false;
      view.setUint16(portAt, port);
      if (available >= SCTP_LENGTH) {
        view.setUint32(l4 + SCTP_CHECKSUM_AT, sctpChecksum(view, l4, available), true);
      }
      return true;
    case IPPROTO_ICMP: {
      if (available < ICMP_LENGTH) return false;
      if (!hasIcmpId(view.getUint8(l4))) return true;
      const idAt = l4 + ICMP_ID_AT;
      const checksumAt = l4 + ICMP_CHECKSUM_AT;
      view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), view.getUint16(idAt), port));
      view.setUint16(idAt, port);
      return true;
    }
    case IPPROTO_GRE:
      // The source's key is in no packet; only version 1 (PPTP) has one of the destination's.
      if (available < GRE_LENGTH) return false;
      if (portAt === l4) return true;
      if ((view.getUint8(l4 + 1) & GRE_VERSION_MASK) > 1) return false;
      if ((view.getUint8(l4 + 1) & GRE_VERSION_MASK) === 1) view.setUint16(l4 + GRE_CALL_ID_AT, port);
      return true;
    default:
      return true;
  }
}

/** Echo, timestamp, information and address mask, requests and replies (RFC 792, RFC 950). */
function hasIcmpId(type: number): boolean {
  return type === 8 || type === 0 || (type >= 13 && type <= 18);
}

/** hot: rewrites one end of a packet and its checksums (nf_nat_manip_pkt). */
import { addressSum, applyDelta, checksumDelta } from '../../codecs/checksum.js';
import { IPV4_CHECKSUM_AT, IPV4_DESTINATION_AT, IPV4_PROTOCOL_AT, IPV4_SOURCE_AT } from '../../codecs/layouts.js';
import { protocolOf } from '../protocols/registry.js';
import { Manip } from './range.js';

/**
 * Sets the address and port (ICMP: ID; GRE: call ID) at the MANIP end of the IPv4 packet at AT. PORT is in host order.
 * AVAILABLE bytes of the packet are present. Returns false and changes nothing if the layer-4 header is too short.
 */
export function mangle(
  view: DataView,
  at: number,
  available: number,
  manip: Manip,
  address: number,
  port: number,
): boolean {
  const headerLength = (view.getUint8(at) & 15) << 2;
  const addressAt = at + (manip === Manip.SRC ? IPV4_SOURCE_AT : IPV4_DESTINATION_AT);
  const delta = checksumDelta(addressSum(view.getInt32(addressAt, true)), addressSum(address));
  const protocol = protocolOf(view.getUint8(at + IPV4_PROTOCOL_AT));
  if (!protocol.mangle(view, at + headerLength, available - headerLength, manip, port, delta)) return false;
  view.setInt32(addressAt, address, true);
  const checksumAt = at + IPV4_CHECKSUM_AT;
  view.setUint16(checksumAt, applyDelta(view.getUint16(checksumAt), delta));
  return true;
}

/**
 * hot: UDP-Lite (RFC 3828; kernel: nf_conntrack_proto_udp). The length field is the checksum coverage, and the checksum
 * is mandatory.
 */
import { IPPROTO_UDP, IPPROTO_UDPLITE, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../../codecs/layouts.js';
import { isPartialChecksumBad } from './checksums.js';
import { WITH_PORTS } from './ports.js';
import { defineProtocol, Invalid } from './protocol.js';
import { datagramRemark, mangleWithChecksum, UDP_TIMEOUTS } from './udp.js';
import { updateStream } from './update.js';

export const udplite = defineProtocol({
  ...WITH_PORTS,
  number: IPPROTO_UDPLITE,
  name: 'udplite',
  timeouts: UDP_TIMEOUTS,

  validate({ verifiesChecksums }, packet) {
    const lengthBytes = packet.l4Length;
    if (lengthBytes < UDP_LENGTH || packet.l4Available < UDP_LENGTH) return Invalid.HEADER;
    const { view, l4 } = packet;
    const coverageBytes = view.getUint16(l4 + UDP_LENGTH_AT) || lengthBytes;
    if (coverageBytes < UDP_LENGTH || coverageBytes > lengthBytes) return Invalid.HEADER;
    if (view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) return Invalid.NO_CHECKSUM;
    // The kernel uses UDP's number in the pseudo header, not UDP-Lite's.
    const isBad = verifiesChecksums && isPartialChecksumBad(packet, IPPROTO_UDP, coverageBytes);
    return isBad ? Invalid.CHECKSUM : Invalid.NONE;
  },
  update: updateStream,
  remark: (_tracker, packet, fault) =>
    fault === Invalid.NO_CHECKSUM ? 'checksum missing' : datagramRemark(packet, fault, 'invalid checksum coverage'),

  mangle(view, l4, available, manip, port, addressDelta) {
    if (available < UDP_LENGTH) return false;
    mangleWithChecksum(view, l4, manip, port, addressDelta);
    return true;
  },
});

/**
 * hot: UDP-Lite (RFC 3828; kernel: nf_conntrack_proto_udp): the length field says how much the checksum covers, and there
 * must be one.
 */
import { IPPROTO_UDP, IPPROTO_UDPLITE, UDP_CHECKSUM_AT, UDP_LENGTH, UDP_LENGTH_AT } from '../../codecs/layouts.js';
import { isPartialChecksumBad } from './checksums.js';
import { WITH_PORTS } from './ports.js';
import { defineProtocol } from './protocol.js';
import { mangleWithChecksum, UDP_TIMEOUTS } from './udp.js';
import { updateStream } from './update.js';

export const udplite = defineProtocol({
  ...WITH_PORTS,
  number: IPPROTO_UDPLITE,
  name: 'udplite',
  timeouts: UDP_TIMEOUTS,

  isValid({ verifiesChecksums }, packet) {
    const lengthBytes = packet.l4Length;
    if (lengthBytes < UDP_LENGTH || packet.l4Available < UDP_LENGTH) return false;
    const { view, l4 } = packet;
    const coverageBytes = view.getUint16(l4 + UDP_LENGTH_AT) || lengthBytes;
    if (coverageBytes < UDP_LENGTH || coverageBytes > lengthBytes) return false;
    if (view.getUint16(l4 + UDP_CHECKSUM_AT) === 0) return false;
    // The kernel puts UDP's number into the pseudo header, not UDP-Lite's own.
    return !verifiesChecksums || !isPartialChecksumBad(packet, IPPROTO_UDP, coverageBytes);
  },
  update: updateStream,

  mangle(view, l4, available, manip, port, addressDelta) {
    if (available < UDP_LENGTH) return false;
    mangleWithChecksum(view, l4, manip, port, addressDelta);
    return true;
  },
});

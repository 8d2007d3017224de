/** Packets whose checksum is left to the network card, as Linux hands them to a device (CHECKSUM_PARTIAL). */
import { fold, pseudoHeaderSum } from '../../codecs/checksum.js';
import { IPPROTO_SCTP, IPPROTO_TCP, SCTP_CHECKSUM_AT, TCP_CHECKSUM_AT, UDP_CHECKSUM_AT } from '../../codecs/layouts.js';

/** Puts what the checksum field holds before the card into the TCP, UDP or SCTP packet at AT of BYTES. */
export function unfinish(bytes: Uint8Array, at = 0): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerLength = (bytes[at] & 15) * 4;
  const protocol = bytes[at + 9];
  if (protocol === IPPROTO_SCTP) {
    view.setUint32(at + headerLength + SCTP_CHECKSUM_AT, 0);
    return;
  }
  const checksumAt = at + headerLength + (protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
  const length = view.getUint16(at + 2) - headerLength;
  view.setUint16(checksumAt, fold(pseudoHeaderSum(view, at, protocol, length)));
}

/** The same in a copy of PACKET. */
export function unfinished(packet: Uint8Array): Buffer {
  const copy = Buffer.from(packet);
  unfinish(copy);
  return copy;
}

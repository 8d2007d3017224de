import { IPV4_TOTAL_LENGTH_AT, IPV4_VERSION_IHL_AT } from '../../codecs/layouts.js';
import { Packet } from '../../core/packet.js';

/** A packet of BYTES before any hook. */
export function packetOf(bytes: Uint8Array): Packet {
  const packet = new Packet();
  setBytes(packet, bytes);
  return packet;
}

/** Replaces the bytes of PACKET by BYTES; keeps what the host knows about it. */
export function setBytes(packet: Packet, bytes: Uint8Array): void {
  packet.bytes = bytes;
  packet.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  packet.at = 0;
  packet.length = packet.view.getUint16(IPV4_TOTAL_LENGTH_AT);
  packet.available = bytes.length;
  packet.headerLength = (bytes[IPV4_VERSION_IHL_AT] & 15) * 4;
  packet.reload();
}

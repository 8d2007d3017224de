/**
 * Frames as a sender hands them to a network card: with an unfinished checksum, or coalesced (VIRTIO_NET_HDR of
 * AF_PACKET). What the header says of a frame is read from the frame, so that a capture of such frames can be injected
 * again:
 *
 * - a checksum that is the sum of its pseudo header is unfinished;
 * - a coalesced TCP segment has the size of its segments in its urgent pointer, without URG;
 * - a coalesced UDP datagram, which is longer than the MTU, has it in its IP ID.
 */
import { fold, pseudoHeaderSum, transportChecksum } from '../../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  IPPROTO_TCP,
  IPPROTO_UDP,
  TCP_CHECKSUM_AT,
  TCP_CWR,
  TCP_LENGTH,
  TCP_URG,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import { unfinish } from '../offload/unfinished.js';

const NEEDS_CSUM = 1;
const GSO_TCPV4 = 1;
const GSO_UDP_L4 = 5;
const GSO_ECN = 0x80;

/** Where the parts of a whole TCP or UDP packet are. */
interface Parts {
  protocol: number;
  l4: number;
  l4Length: number;
  checksumAt: number;
}

/** The parts of PACKET; undefined if it is a fragment, damaged, or something else. */
function partsOf(packet: Buffer): Parts | undefined {
  if (packet.length < 20 || packet[0] >> 4 !== 4 || (packet.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  const l4 = (packet[0] & 15) * 4;
  const l4Length = packet.readUInt16BE(2) - l4;
  const protocol = packet[9];
  const least =
    protocol === IPPROTO_TCP ? TCP_LENGTH : protocol === IPPROTO_UDP ? UDP_LENGTH : Number.POSITIVE_INFINITY;
  if (l4 < 20 || l4Length < least || l4 + l4Length > packet.length) return undefined;
  const checksumAt = l4 + (protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
  return { protocol, l4, l4Length, checksumAt };
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** PACKET as its sender hands it to the card, if its checksum is right; otherwise PACKET. */
export function leftToCard(packet: Buffer): Buffer {
  const parts = partsOf(packet);
  if (parts === undefined || packet.readUInt16BE(parts.checksumAt) === 0) return packet;
  const { protocol, l4, l4Length } = parts;
  if (transportChecksum(viewOf(packet), 0, l4, protocol, l4Length) !== 0) return packet;
  const copy = Buffer.from(packet);
  unfinish(copy);
  return copy;
}

/** The header with which FRAME is injected into an interface with this MTU. */
export function virtioHeader(frame: Uint8Array, mtu: number): Buffer {
  const header = Buffer.alloc(10);
  const packet = Buffer.from(frame.buffer, frame.byteOffset + ETHERNET_LENGTH, frame.length - ETHERNET_LENGTH);
  const parts = partsOf(packet);
  if (parts === undefined) return header;
  const { protocol, l4, l4Length, checksumAt } = parts;
  const isTcp = protocol === IPPROTO_TCP;
  const pseudo = fold(pseudoHeaderSum(viewOf(packet), 0, protocol, l4Length));
  const hasOptions = isTcp ? packet[l4 + 12] >> 4 : 0;
  if (packet.readUInt16BE(checksumAt) === pseudo) {
    header[0] = NEEDS_CSUM;
    header.writeUInt16LE(ETHERNET_LENGTH + l4, 6);
    header.writeUInt16LE(checksumAt - l4, 8);
  }
  const size = segmentSizeIn(packet, parts, mtu);
  if (size > 0) {
    const flags = isTcp ? packet[l4 + 13] : 0;
    header[1] = isTcp ? GSO_TCPV4 | ((flags & TCP_CWR) !== 0 ? GSO_ECN : 0) : GSO_UDP_L4;
    header.writeUInt16LE(ETHERNET_LENGTH + l4 + (isTcp ? hasOptions * 4 : UDP_LENGTH), 2);
    header.writeUInt16LE(size, 4);
  }
  return header;
}

/** The size of the segments in PACKET; 0: it is not coalesced. */
function segmentSizeIn(packet: Buffer, { protocol, l4, l4Length }: Parts, mtu: number): number {
  if (protocol === IPPROTO_UDP) return l4 + l4Length > mtu ? packet.readUInt16BE(4) : 0;
  return (packet[l4 + 13] & TCP_URG) === 0 ? packet.readUInt16BE(l4 + 18) : 0;
}

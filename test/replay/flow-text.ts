/** Packets as short text, for tests of stitching. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';

/** Addresses and ports of a packet; for ICMP its ID: `10.0.0.1:5 > 10.0.0.2:80`, `10.0.0.1 > 10.0.0.2 id 7`. */
export function flowOf(packet: Uint8Array): string {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const l4 = (bytes[0] & 15) * 4;
  const [source, destination] = [12, 16].map((at) => bytes.subarray(at, at + 4).join('.'));
  if (bytes[9] === 1) {
    const isError = [3, 4, 5, 11, 12].includes(bytes[l4]);
    if (!isError) return `${source} > ${destination} id ${bytes.readUInt16BE(l4 + 4)}`;
    return `${source} > ${destination} about ${flowOf(bytes.subarray(l4 + 8))}`;
  }
  const hasPorts = (bytes.readUInt16BE(6) & 0x1fff) === 0 && [6, 17, 132, 136].includes(bytes[9]);
  if (!hasPorts) return `${source} > ${destination}`;
  return `${source}:${bytes.readUInt16BE(l4)} > ${destination}:${bytes.readUInt16BE(l4 + 2)}`;
}

/** Whether the checksums of the IP header and of TCP, UDP or ICMP are right. */
export function hasRightChecksums(packet: Uint8Array): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const length = packet.length - 20;
  const pseudo = packet[9] === 1 ? 0 : pseudoHeaderSum(view, 0, packet[9], length);
  return internetChecksum(view, 0, 20) === 0 && internetChecksum(view, 20, length, pseudo) === 0;
}

/** The content of a packet as the host has it in memory, for matches that look at any byte. */
import { unfinishChecksum } from '../offload/checksums.js';
import type { Packet } from '../packet.js';

/**
 * The bytes of PACKET, whose IP header is at `packet.at`: a checksum that was left to the network card is unfinished.
 */
export function contentOf(packet: Packet): Uint8Array {
  if (!packet.hasUnfinishedChecksum) return packet.bytes;
  const bytes = packet.bytes.slice(0, packet.at + packet.available);
  unfinishChecksum(packet, new DataView(bytes.buffer));
  return bytes;
}

/**
 * Where each piece of PACKET ends that the kernel keeps apart in memory, in bytes from the IP header: those of a
 * reassembled packet are its fragments.
 */
export function pieceEnds({ length, headerLength, fragmentMaxSize, fragments, rewrittenLength }: Packet): number[] {
  if (fragmentMaxSize === 0 || fragments === undefined) return [length];
  return fragments.pieces(rewrittenLength).map((end) => headerLength + end);
}

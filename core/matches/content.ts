/** The content of a packet as the host has it in memory, for matches that look at any byte. */
import { unfinishChecksum } from '../offload/checksums.js';
import type { Packet } from '../packet.js';
import type { NativeTest } from '../rules/lower.js';
import { capturedTest } from './captured.js';

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

/**
 * A test of a packet's content. ASK returns whether the packet passes; undefined if that depends on bytes that were not
 * captured. TEXT is the match as in a rule.
 */
export function contentTest(
  ask: (packet: Packet) => boolean | undefined,
  text: string,
  explanation: string,
  ...alsoReads: NativeTest['reads']
): NativeTest {
  return { ...capturedTest(['content', 'unknown', ...alsoReads], ask, text, explanation), mayDrop: false };
}

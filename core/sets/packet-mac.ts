/** hot: what sets take for the MAC address of a packet. */
import type { Packet } from '../packet.js';

/** The upper 16 bits of the source's MAC address of PACKET's frame, or the destination's. */
export function macHigh(packet: Packet, isSource: boolean): number {
  return isSource ? packet.sourceMacHigh : packet.destinationMacHigh;
}

/** The lower 32 bits, as an int32. */
export function macLow(packet: Packet, isSource: boolean): number {
  return isSource ? packet.sourceMacLow : packet.destinationMacLow;
}

/** Whether PACKET came in a frame whose address is not all zeros: no other packet is in a set with MAC addresses. */
export function hasMac(packet: Packet, isSource: boolean): boolean {
  return packet.sourceMacHigh >= 0 && (macHigh(packet, isSource) !== 0 || macLow(packet, isSource) !== 0);
}

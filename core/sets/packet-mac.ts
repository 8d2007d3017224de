/** hot: what sets take for the MAC address of a packet. */
import type { Packet } from '../packet.js';
import { NONE } from './element.js';

/** The source's MAC address of PACKET's frame, or the destination's: 48 bits; NONE if it has none, or zeros. */
export function packetMac(packet: Packet, isSource: boolean): number {
  if (packet.sourceMacHigh < 0) return NONE;
  const high = isSource ? packet.sourceMacHigh : packet.destinationMacHigh;
  const low = isSource ? packet.sourceMacLow : packet.destinationMacLow;
  return high === 0 && low === 0 ? NONE : high * 2 ** 32 + (low >>> 0);
}

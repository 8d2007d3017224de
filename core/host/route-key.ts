/** hot: what routing goes by, in one record that is reused for every packet (struct flowi4). */
import type { HostOrderPort, LoadedAddress } from '../../codecs/byte-order.js';
import { IPV4_TOS_AT } from '../../codecs/layouts.js';
import { type Packet, PacketType } from '../packet.js';

/** Holds all that routing rules and multipath hashes can ask; the main table asks for the addresses and the interface. */
export class RouteKey {
  /** 0: the host's own packet takes the source that the route prefers. */
  source: LoadedAddress = 0;
  destination: LoadedAddress = 0;
  protocol = 0;
  /** −1: the packet has none. */
  sport: HostOrderPort = -1;
  dport: HostOrderPort = -1;
  mark = 0;
  tos = 0;
  /** The interface that the packet arrived on; −1: it is the host's own. */
  inDev = -1;
  /** How the frame of an arriving packet was addressed. */
  packetType: PacketType = PacketType.HOST;

  /** Takes all from PACKET as it is now. */
  fromPacket(packet: Packet): this {
    this.source = packet.source;
    this.destination = packet.destination;
    this.protocol = packet.protocol;
    this.sport = packet.sport;
    this.dport = packet.dport;
    this.mark = packet.mark;
    this.tos = packet.view.getUint8(packet.at + IPV4_TOS_AT);
    this.inDev = packet.inDev;
    this.packetType = packet.type;
    return this;
  }

  /** The same for a packet of the host's own whose source is left to the route. */
  fromUnsourced(packet: Packet): this {
    this.fromPacket(packet);
    this.source = 0;
    this.inDev = -1;
    return this;
  }
}

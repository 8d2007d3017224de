/** hot: the key of a route lookup, in one record reused for every packet (struct flowi4). */
import type { HostOrderPort, LoadedAddress } from '../../codecs/byte-order.js';
import { IPV4_TOS_AT } from '../../codecs/layouts.js';
import { type Packet, PacketType } from '../packet.js';

/**
 * Holds everything that routing rules and multipath hashes may need. The main table uses only the addresses and the
 * interface.
 */
export class RouteKey {
  /** 0: the route's preferred source is used for the host's own packet. */
  source: LoadedAddress = 0;
  destination: LoadedAddress = 0;
  protocol = 0;
  /** −1 if the packet has no ports. */
  sport: HostOrderPort = -1;
  dport: HostOrderPort = -1;
  mark = 0;
  tos = 0;
  /** The ingress interface; −1 for the host's own packets. */
  inDev = -1;
  /** How the frame of an arriving packet was addressed. */
  packetType: PacketType = PacketType.HOST;

  /** Fills in the key from the current state of PACKET. */
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

  /** The same for a packet from the host itself whose source the route selects. */
  fromUnsourced(packet: Packet): this {
    this.fromPacket(packet);
    this.source = 0;
    this.inDev = -1;
    return this;
  }
}

/** hot: the key of a route lookup, in one record reused for every packet (struct flowi4). */
import type { HostOrderPort, LoadedAddress } from '../../codecs/byte-order.js';
import { IPV4_TOS_AT } from '../../codecs/layouts.js';
import { type Packet, PacketType } from '../packet.js';

/** Everything that routing tables, rules and multipath hashes look at. */
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
  /** Only routes by this interface count; −1: any do. */
  outDev = -1;
  /** How the frame of an arriving packet was addressed. */
  packetType: PacketType = PacketType.HOST;
  /** The packet whose headers choose among several next hops; null: this key does. */
  hashed: Packet | null = null;
  /** What a look-up by rules writes here: the realms of the rule that found the route. */
  ruleRealms = 0;

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
    this.outDev = -1;
    this.packetType = packet.type;
    this.hashed = packet;
    return this;
  }

  /** The same for a packet that the host sends. */
  fromOwn(packet: Packet): this {
    this.fromPacket(packet);
    this.inDev = -1;
    this.hashed = null;
    return this;
  }

  /** Fills in the key of a packet to DESTINATION that the host sends, and of which nothing else is known. */
  towards(destination: LoadedAddress): this {
    this.source = 0;
    this.destination = destination;
    this.protocol = 0;
    this.sport = -1;
    this.dport = -1;
    this.mark = 0;
    this.tos = 0;
    this.inDev = -1;
    this.outDev = -1;
    this.packetType = PacketType.HOST;
    this.hashed = null;
    return this;
  }
}

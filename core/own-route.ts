/** hot: the route of packets from the host itself, rerouting in OUTPUT, and the host's address on a packet's way. */
import { formatLoaded, type LoadedAddress } from '../codecs/byte-order.js';
import { because } from './drop.js';
import type { Emit } from './events.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import type { OutputRoute } from './host/route-decision.js';
import type { Packet } from './packet.js';

/** Sets the route of PACKET, which the host itself sends. */
export function setRoute(packet: Packet, route: OutputRoute, loopback: number): void {
  packet.routeDev = route.outDev;
  packet.nextHop = route.nextHop;
  packet.nextHopMac = route.nextHopMac;
  packet.routeMtu = route.mtu;
  packet.realms = route.realms;
  packet.isForHost = route.outDev === loopback;
  packet.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
  packet.loopsBack = route.loopsBack;
}

/**
 * Reroutes PACKET after rules changed it (ip_route_me_harder). Its source stays the same, and so does `outDev` for the
 * rest of OUTPUT. Returns false if there is no route and the packet must be dropped.
 */
export function reroute(packet: Packet, host: Host, emit: Emit): boolean {
  const route = host.rerouteOutput(host.routeKey.fromPacket(packet));
  if (route.reason !== '') {
    packet.dropCause = because(route.reason);
    emit?.({ kind: 'routed', to: 'nowhere', reason: route.reason, isAgain: true });
    return false;
  }
  setRoute(packet, route, host.loopback);
  emitRoute(packet, host, emit, true);
  return true;
}

/** Emits the route of PACKET. */
export function emitRoute(packet: Packet, host: Host, emit: Emit, isAgain: boolean): void {
  if (emit === undefined) return;
  const { routeDev, nextHop, isForHost } = packet;
  const [dev, address] = [host.interfaceNames[routeDev], formatLoaded(nextHop)];
  emit({ kind: 'routed', to: isForHost ? 'host' : 'interface', dev, nextHop: address, isAgain });
}

/**
 * The host's address for a forwarded PACKET, as loaded little-endian: the source of the route to its
 * destination by its egress interface, or else an address of that interface (ip_rt_get_source).
 */
export function egressAddress(host: Host, packet: Packet): LoadedAddress {
  const key = host.routeKey.fromPacket(packet);
  key.outDev = packet.routeDev;
  return host.sourceBy(key, packet.nextHop);
}

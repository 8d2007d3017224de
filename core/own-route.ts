/** hot: the route of a packet that the host itself sends, and how it is routed again in OUTPUT. */
import { because } from './drop.js';
import { AddressType } from './host/address-type.js';
import type { Host } from './host/host.js';
import type { OutputRoute } from './host/route-decision.js';
import type { Packet } from './packet.js';

/** Let PACKET, of the host's own, go where ROUTE leads. */
export function takeRoute(packet: Packet, route: OutputRoute, loopback: number): void {
  packet.routeDev = route.outDev;
  packet.nextHop = route.nextHop;
  packet.isForHost = route.outDev === loopback;
  packet.isToMany = route.type === AddressType.BROADCAST || route.type === AddressType.MULTICAST;
  packet.loopsBack = route.loopsBack;
}

/**
 * Route PACKET again, after rules have changed it (ip_route_me_harder): its source stays, and `outDev` too as far as OUTPUT is
 * concerned. False where there is no route: the packet is to be dropped.
 */
export function reroute(packet: Packet, host: Host): boolean {
  const route = host.rerouteOutput(host.routeKey.fromPacket(packet));
  if (route.reason !== '') {
    packet.dropCause = because(route.reason);
    return false;
  }
  takeRoute(packet, route, host.loopback);
  return true;
}

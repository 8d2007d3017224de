/** What routing says of a packet. Each host has one record of either kind, reused for every packet. */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { Reason } from '../reasons.js';
import { AddressType } from './address-type.js';
import type { Route } from './route.js';

/** What becomes of an arriving packet. */
export const RouteAction = { LOCAL: 0, FORWARD: 1, DROP: 2, UNREACHABLE: 3 } as const;
export type RouteAction = (typeof RouteAction)[keyof typeof RouteAction];

/** Why a packet is not routed. */
export type RouteFailure = Extract<
  Reason,
  | 'martian-source'
  | 'martian-destination'
  | 'rp-filter'
  | 'forwarding-off'
  | 'no-route'
  | 'unreachable-route'
  | 'prohibit-route'
  | 'blackhole-route'
  | 'multicast-not-joined'
  | 'link-layer-broadcast'
  | 'source-not-local'
>;

/** The decision on an arriving packet (struct rtable of an input route). */
export class InputRoute {
  action: RouteAction = RouteAction.DROP;
  /** UNICAST, LOCAL, BROADCAST or MULTICAST: what the destination is to this host. */
  type: AddressType = AddressType.UNICAST;
  /** Interface it leaves by; that of loopback where it is local; -1 where it is dropped. */
  outDev = -1;
  /** Address whose MAC the frame gets: the gateway, or the destination itself. */
  nextHop: LoadedAddress = 0;
  /** The next hop is a gateway (rt_uses_gateway). */
  usesGateway = false;
  /** DROP, UNREACHABLE: why; '' otherwise. */
  reason: RouteFailure | '' = '';
  /** UNREACHABLE: code of the ICMP destination unreachable (type 3) that the sender gets: 0, 1 or 13. */
  icmpCode = 0;
  /** The route taken; null where none was (broadcasts to 255.255.255.255, multicast, drops). */
  route: Route | null = null;
}

/** The decision on a packet of the host's own (struct rtable of an output route). */
export class OutputRoute {
  /** Why it cannot be sent; '' where it can. */
  reason: RouteFailure | '' = 'no-route';
  /** UNICAST, LOCAL, BROADCAST or MULTICAST. */
  type: AddressType = AddressType.UNICAST;
  outDev = -1;
  nextHop: LoadedAddress = 0;
  usesGateway = false;
  /** The packet's source: the one asked for, or the one that the route prefers where that was 0. 0: there is none. */
  source: LoadedAddress = 0;
  /** A broadcast or a joined multicast on a link: it leaves, and a copy comes back to the host itself. */
  loopsBack = false;
  route: Route | null = null;
}

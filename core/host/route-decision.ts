/** The results of routing. Each host has one record of each kind, reused for every packet. */
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { Reason } from '../reasons.js';
import { AddressType } from './address-type.js';
import type { Route } from './route.js';

/** What happens to an arriving packet. */
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

/** Where an answer to a packet would go, as seen from the interface that it came in on. */
export const ReversePath = {
  /** Nowhere. */
  NONE: 0,
  /** By another interface, or by this one. */
  ELSEWHERE: 1,
  HERE: 2,
  /** To this host itself, by an address of another interface, or of this one. */
  LOCAL_ELSEWHERE: 3,
  LOCAL_HERE: 4,
  /** The question is not asked of such packets. */
  EXEMPT: 5,
} as const;
export type ReversePath = (typeof ReversePath)[keyof typeof ReversePath];

/** The routing decision for an arriving packet (struct rtable of an input route). */
export class InputRoute {
  action: RouteAction = RouteAction.DROP;
  /** UNICAST, LOCAL, BROADCAST or MULTICAST: the type of the destination on this host. */
  type: AddressType = AddressType.UNICAST;
  /** The egress interface: loopback for local delivery, -1 for drops. */
  outDev = -1;
  /** The address to resolve to a MAC: the gateway, or the destination itself. */
  nextHop: LoadedAddress = 0;
  /** The next hop is a gateway (rt_uses_gateway). */
  usesGateway = false;
  /** The MAC of a gateway with an IPv6 address. */
  nextHopMac: Uint8Array | undefined = undefined;
  /** The largest packet on this route, in bytes. */
  mtu = 0;
  /** The reason for DROP and UNREACHABLE; otherwise ''. */
  reason: RouteFailure | '' = '';
  /** For UNREACHABLE: the code of the ICMP destination unreachable (type 3) sent back: 0, 1 or 13. */
  icmpCode = 0;
  /** The packet's realms: that of its source in the upper 16 bits, of its destination in the lower (dst.tclassid). */
  realms = 0;
  /** The route used; null if there was none (broadcasts to 255.255.255.255, multicast, drops). */
  route: Route | null = null;
}

/** The routing decision for a packet from the host itself (struct rtable of an output route). */
export class OutputRoute {
  /** Why it cannot be sent; '' if it can. */
  reason: RouteFailure | '' = 'no-route';
  /** UNICAST, LOCAL, BROADCAST or MULTICAST. */
  type: AddressType = AddressType.UNICAST;
  outDev = -1;
  nextHop: LoadedAddress = 0;
  usesGateway = false;
  nextHopMac: Uint8Array | undefined = undefined;
  mtu = 0;
  /** The packet's source: the requested one, or the route's preferred source if that was 0. 0 if there is none. */
  source: LoadedAddress = 0;
  /** A broadcast, or multicast to a joined group: it leaves, and a copy loops back to the host. */
  loopsBack = false;
  realms = 0;
  route: Route | null = null;
}

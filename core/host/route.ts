/** Routing vocabulary: types, scopes, and the route itself. */
import type { Address } from '../../codecs/address.js';
import { AddressType } from './address-type.js';
import type { Multipath } from './multipath.js';

/** Route types (enum rtn_type), with the same numbers as `AddressType`. */
export const RouteType = AddressType;
export type RouteType = AddressType;

/** The distance to the destinations of a route (enum rt_scope_t). Larger numbers are nearer. */
export const Scope = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** The routing tables with fixed numbers (enum rt_class_t). */
export const RouteTable = { DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;

/** The bits of a TOS that routing compares. */
export const ROUTED_TOS = 0x1c;

/** One route. */
export interface Route {
  readonly type: RouteType;
  readonly destination: Address;
  readonly prefixLength: number;
  readonly table: number;
  readonly metric: number;
  /** The TOS of the packets that it is for; 0: any. */
  readonly tos: number;
  readonly scope: number;
  /** Interface index; -1 for types without an interface (unreachable, blackhole, …). */
  readonly dev: number;
  /** undefined: the destination is on the link, or the gateway has an IPv6 address. */
  readonly gateway: Address | undefined;
  /** The MAC of a gateway with an IPv6 address. */
  readonly gatewayMac: Uint8Array | undefined;
  /** The source of the host's own packets on this route: its `src`, or an address of its device. */
  readonly preferredSource: Address | undefined;
  /** The length of its packets, in bytes: its own, or that of its interface. 0 without an interface. */
  readonly mtu: number;
  /** The realms of its sources and destinations: `from << 16 | to` (nh_tclassid). */
  readonly realms: number;
  /** Its next hops, if it has several. `dev` and `gateway` are those of the first one. */
  readonly multipath: Multipath | undefined;
}

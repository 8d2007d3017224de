/** Routing vocabulary: types, scopes, and the route itself. */
import type { Address } from '../../codecs/address.js';
import { AddressType } from './address-type.js';

/** Route types (enum rtn_type), with the same numbers as `AddressType`. */
export const RouteType = AddressType;
export type RouteType = AddressType;

/** The distance to the destinations of a route (enum rt_scope_t). Larger numbers are nearer. */
export const Scope = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** The routing tables consulted without custom `ip rule`s (enum rt_class_t). */
export const RouteTable = { DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;
export type RouteTable = (typeof RouteTable)[keyof typeof RouteTable];

/** One route. */
export interface Route {
  readonly type: RouteType;
  readonly destination: Address;
  readonly prefixLength: number;
  readonly table: RouteTable;
  readonly metric: number;
  readonly scope: number;
  /** Interface index; -1 for types without an interface (unreachable, blackhole, …). */
  readonly dev: number;
  /** undefined: the destination is on the link. */
  readonly gateway: Address | undefined;
  /** The source of the host's own packets on this route: its `src`, or an address of its device. */
  readonly preferredSource: Address | undefined;
}

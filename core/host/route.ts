/** The vocabulary of routing: types, scopes, and one route of the table. */
import type { Address } from '../../codecs/address.js';
import { AddressType } from './address-type.js';

/** What a route says of the addresses below it (enum rtn_type); the same numbers as `AddressType`. */
export const RouteType = AddressType;
export type RouteType = AddressType;

/** How far the addresses below a route are away (enum rt_scope_t). A larger number is nearer. */
export const Scope = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** Routing tables that are consulted where no `ip rule` says otherwise (enum rt_class_t). */
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
  /** Interface index; -1 for the types that lead nowhere (unreachable, blackhole, …). */
  readonly dev: number;
  /** undefined: the destination is on the link. */
  readonly gateway: Address | undefined;
  /** The source that the host's own packets take here: the route's `src`, or what its device has. */
  readonly preferredSource: Address | undefined;
}

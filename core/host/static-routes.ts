/** The description's routes, added one by one as `ip route replace` does, with the kernel's checks. */
import type { Address } from '../../codecs/address.js';
import { formatPrefix } from '../../codecs/host/address-values.js';
import type { NextHopDescription, RealmsDescription, RouteDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { AddressType } from './address-type.js';
import type { FibBuilder } from './fib.js';
import { type Interface, noInterface } from './interfaces.js';
import { Multipath, type MultipathHop } from './multipath.js';
import { type Route, RouteTable, RouteType, Scope } from './route.js';
import { selectAddress } from './source-address.js';
import type { Sysctls } from './sysctls.js';

const TYPES = {
  unicast: RouteType.UNICAST,
  local: RouteType.LOCAL,
  broadcast: RouteType.BROADCAST,
  anycast: RouteType.ANYCAST,
  multicast: RouteType.MULTICAST,
  unreachable: RouteType.UNREACHABLE,
  prohibit: RouteType.PROHIBIT,
  blackhole: RouteType.BLACKHOLE,
  throw: RouteType.THROW,
} as const;

/** The state of the host while its routes are added. */
export interface RouteContext {
  readonly interfaces: readonly Interface[];
  /** The index of an interface by its name; -1 if there is none. */
  interfaceIndex(name: string): number;
  readonly sysctls: Sysctls;
  /** The builder of a table, by its number or name. */
  builderOf(table: number | string): FibBuilder;
  /** The number of a table, which has a name. */
  numberOf(table: number | string): number;
  /** The MAC of the neighbour with an IPv6 address. */
  macOf(dev: number, gateway: Address): Uint8Array;
  /** See `Route.realms`. */
  realmsOf(realms: RealmsDescription | undefined): number;
  /** The routes are all that the kernel has, in its order: nothing needs to be checked. */
  readonly isComplete: boolean;
}

/** The route in DESCRIPTION; undefined if the kernel does not use it now. Throws a HostError if it would refuse it. */
export function routeFrom(context: RouteContext, description: RouteDescription): Route | undefined {
  const { path, destination, prefixLength, metric, tos, scope, preferredSource } = description;
  const type = TYPES[description.type];
  const fail = failing(description);
  const local = context.builderOf(RouteTable.LOCAL);
  if (preferredSource !== undefined && !context.isComplete && local.typeOf(preferredSource) !== AddressType.LOCAL)
    fail('prefsrc', `${preferredSource} is not an address of the host`);
  const withHop = (hop: NextHop, source: Address | undefined): Route => ({
    type,
    destination,
    prefixLength,
    table: context.numberOf(description.table),
    metric,
    tos,
    scope,
    ...hop,
    preferredSource: preferredSource ?? source,
    mtu: description.mtu > 0 ? description.mtu : (context.interfaces[hop.dev]?.mtu ?? 0),
    realms: context.realmsOf(description.realms),
    multipath: undefined,
  });
  const hopFrom = (one: NextHopDescription, failure: Fail): MultipathHop['route'] | undefined => {
    const hop =
      type < RouteType.BLACKHOLE ? nextHopOf(context, description, one, failure) : refusalHop(one, type, fail);
    if (hop.dev < 0) return withHop(hop, undefined);
    const { sysctls, interfaces } = context;
    if (one.isDead || (one.isLinkDown && sysctls.ignoresLinkDown(hop.dev))) return undefined;
    // A packet to a local address without a preferred source comes from that address itself.
    if (type === RouteType.LOCAL) return withHop(hop, undefined);
    const nextHop = one.gateway?.loaded ?? 0;
    return withHop(hop, selectAddress(interfaces, hop.dev, nextHop, scope, sysctls.routeLocalnet(hop.dev)));
  };
  if (description.nextHops.length === 0) return hopFrom(description, fail);
  const hops = description.nextHops.flatMap((one): MultipathHop[] => {
    const route = hopFrom(one, failing(description, one.path));
    if (route === undefined) return [];
    const { sysctls, interfaces } = context;
    const nextHop = one.gateway?.loaded ?? 0;
    const source = selectAddress(interfaces, route.dev, nextHop, scope, sysctls.routeLocalnet(route.dev));
    return [{ route, weight: one.weight, source: source?.loaded ?? 0 }];
  });
  if (hops.length < 2) return hops[0]?.route;
  return { ...hops[0].route, multipath: new Multipath(path, hops, !description.hasObject) };
}

type Fail = (member: string, problem: string) => never;
type NextHop = Pick<Route, 'dev' | 'gateway' | 'gatewayMac'>;

function failing({ destination, prefixLength, path }: RouteDescription, at = path): Fail {
  return (member, problem) => {
    throw new HostError(`${at}.${member}`, `route to ${formatPrefix(destination, prefixLength)}: ${problem}`);
  };
}

function refusalHop({ gateway, dev }: NextHopDescription, type: RouteType, fail: Fail): NextHop {
  const name = Object.entries(TYPES).find(([, number]) => number === type)?.[0];
  // `ip -j route` with kernels up to 5.2 shows such routes on device lo, which the kernel itself ignores.
  if (gateway !== undefined) fail('gateway', `a route of type ${name} has no gateway`);
  if (dev !== undefined && dev !== 'lo') fail('dev', `a route of type ${name} has no device`);
  return { dev: -1, gateway: undefined, gatewayMac: undefined };
}

function nextHopOf(
  context: RouteContext,
  route: RouteDescription,
  { gateway, via, dev: name, isOnLink }: NextHopDescription,
  fail: Fail,
): NextHop {
  const { scope } = route;
  const dev = devOf(context, name, fail);
  const local = context.builderOf(RouteTable.LOCAL);
  if (via !== undefined) {
    if (dev < 0) return fail('dev', 'a gateway with an IPv6 address requires an interface');
    return { dev, gateway: undefined, gatewayMac: context.macOf(dev, via) };
  }
  if (gateway === undefined) {
    if (dev < 0) fail('dev', 'an interface or a gateway is required');
    if (scope > Scope.HOST) fail('scope', 'routes of this scope are not allowed');
    return { dev, gateway, gatewayMac: undefined };
  }
  if (context.isComplete && dev >= 0) {
    const isOwn = !isOnLink && local.typeOf(gateway) === AddressType.LOCAL;
    return { dev, gateway: isOwn ? undefined : gateway, gatewayMac: undefined };
  }
  if (scope >= Scope.HOST) fail('gateway', 'a route of scope host has no gateway');
  if (isOnLink) {
    if (dev < 0) fail('dev', 'onlink requires an interface');
    if (scope >= Scope.LINK || local.typeOf(gateway) !== AddressType.UNICAST) fail('gateway', unreachable(gateway));
    return { dev, gateway, gatewayMac: undefined };
  }
  const found = routeToGateway(context, route, gateway, dev);
  if (found === null || (found.type !== RouteType.UNICAST && found.type !== RouteType.LOCAL))
    return fail('gateway', unreachable(gateway));
  // A gateway that is an address of the host keeps its device, but there is no next hop.
  return { dev: found.dev, gateway: found.scope === Scope.LINK ? gateway : undefined, gatewayMac: undefined };
}

const unreachable = (gateway: Address) => `the gateway ${gateway} is not on a link of the host`;

/** Finds a route of narrower scope to GATEWAY (fib_check_nh). */
function routeToGateway(
  { builderOf }: RouteContext,
  { scope, table }: RouteDescription,
  gateway: Address,
  dev: number,
): Route | null {
  const wanted = Math.max(scope + 1, Scope.LINK);
  const accepts = (route: Route) => route.scope >= wanted && (dev < 0 || route.dev === dev);
  for (const name of [table, RouteTable.LOCAL, RouteTable.MAIN, RouteTable.DEFAULT]) {
    const route = builderOf(name).find(gateway, accepts);
    if (route !== null) return route;
  }
  return null;
}

function devOf({ interfaces, interfaceIndex }: RouteContext, name: string | undefined, fail: Fail): number {
  if (name === undefined) return -1;
  const dev = interfaceIndex(name);
  if (dev < 0)
    fail(
      'dev',
      noInterface(
        name,
        interfaces.map((other) => other.name),
      ),
    );
  return dev;
}

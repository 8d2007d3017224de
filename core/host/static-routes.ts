/** The routes of the description, added one by one as `ip route replace` adds them, with the checks of the kernel. */
import type { Address } from '../../codecs/address.js';
import { formatPrefix, HostError, type RouteDescription } from '../../codecs/host-json.js';
import { AddressType } from './address-type.js';
import type { FibBuilder } from './fib.js';
import type { Interface } from './interfaces.js';
import { type Route, RouteTable, RouteType, Scope } from './route.js';
import { selectAddress } from './source-address.js';
import type { Sysctls } from './sysctls.js';

const TYPES = {
  unicast: RouteType.UNICAST,
  unreachable: RouteType.UNREACHABLE,
  prohibit: RouteType.PROHIBIT,
  blackhole: RouteType.BLACKHOLE,
  throw: RouteType.THROW,
} as const;

/** What is known of the host while its routes are added. */
export interface RouteContext {
  readonly interfaces: readonly Interface[];
  readonly sysctls: Sysctls;
  /** The tables local and main, and the table default. */
  readonly main: FibBuilder;
  readonly fallback: FibBuilder;
}

/** Adds the route that DESCRIPTION gives. Throws a HostError where the kernel would refuse it. */
export function addStaticRoute(context: RouteContext, description: RouteDescription): void {
  const { path, destination, prefixLength, metric, scope, preferredSource } = description;
  const type = TYPES[description.type];
  const table = description.table as RouteTable;
  const fail = (member: string, problem: string): never => {
    throw new HostError(`${path}.${member}`, `route to ${formatPrefix(destination, prefixLength)}: ${problem}`);
  };
  if (preferredSource !== undefined && context.main.typeOf(preferredSource) !== AddressType.LOCAL)
    fail('prefsrc', `${preferredSource} is not an address of the host`);
  const hop = type === RouteType.UNICAST ? nextHopOf(context, description, fail) : refusalHop(description, fail);
  const source = () => {
    if (hop.dev < 0) return undefined;
    const nextHop = description.gateway?.loaded ?? 0;
    return selectAddress(context.interfaces, hop.dev, nextHop, scope, context.sysctls.routeLocalnet(hop.dev));
  };
  const builder = table === RouteTable.DEFAULT ? context.fallback : context.main;
  builder.replace({
    type,
    destination,
    prefixLength,
    table,
    metric,
    scope,
    dev: hop.dev,
    gateway: hop.gateway,
    preferredSource: preferredSource ?? source(),
  });
}

type Fail = (member: string, problem: string) => never;
interface NextHop {
  readonly dev: number;
  readonly gateway: Address | undefined;
}

function refusalHop({ gateway, dev, type }: RouteDescription, fail: Fail): NextHop {
  // `ip -j route` of kernels up to 5.2 gives such routes the device lo, which the kernel itself ignores.
  if (gateway !== undefined) fail('gateway', `a route of type ${type} has no gateway`);
  if (dev !== undefined && dev !== 'lo') fail('dev', `a route of type ${type} has no device`);
  return { dev: -1, gateway: undefined };
}

function nextHopOf(context: RouteContext, description: RouteDescription, fail: Fail): NextHop {
  const { gateway, scope } = description;
  const dev = devOf(context.interfaces, description.dev, fail);
  if (gateway === undefined) {
    if (dev < 0) fail('dev', 'nothing is there, an interface or a gateway is wanted');
    if (scope > Scope.HOST) fail('scope', 'routes of this scope lead nowhere');
    return { dev, gateway };
  }
  if (scope >= Scope.HOST) fail('gateway', 'a route of scope host has no gateway');
  if (description.isOnLink) {
    if (dev < 0) fail('dev', 'nothing is there, an interface is wanted with onlink');
    if (scope >= Scope.LINK || context.main.typeOf(gateway) !== AddressType.UNICAST)
      fail('gateway', unreachable(gateway));
    return { dev, gateway };
  }
  const way = wayTo(context, description, gateway, dev);
  if (way === null || (way.type !== RouteType.UNICAST && way.type !== RouteType.LOCAL))
    return fail('gateway', unreachable(gateway));
  // A gateway that is the host itself leaves its devices, but nobody to hand the packets to.
  return { dev: way.dev, gateway: way.scope === Scope.LINK ? gateway : undefined };
}

const unreachable = (gateway: Address) => `the gateway ${gateway} is not on a link of the host`;

/** The nearer route by which GATEWAY is reached (fib_check_nh). */
function wayTo(
  { main, fallback }: RouteContext,
  { scope, table }: RouteDescription,
  gateway: Address,
  dev: number,
): Route | null {
  const wanted = Math.max(scope + 1, Scope.LINK);
  const accepts = (route: Route) => route.scope >= wanted && (dev < 0 || route.dev === dev);
  const builders = table === RouteTable.DEFAULT ? [fallback, main, fallback] : [main, fallback];
  for (const builder of builders) {
    const route = builder.find(gateway, accepts);
    if (route !== null) return route;
  }
  return null;
}

function devOf(interfaces: readonly Interface[], name: string | undefined, fail: Fail): number {
  if (name === undefined) return -1;
  const dev = interfaces.findIndex((other) => other.name === name);
  if (dev < 0) fail('dev', `the host has no interface ${name}`);
  return dev;
}

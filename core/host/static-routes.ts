/** The description's routes, added one by one as `ip route replace` does, with the kernel's checks. */
import type { Address } from '../../codecs/address.js';
import { formatPrefix } from '../../codecs/host/address-values.js';
import type { RouteDescription } from '../../codecs/host/description.js';
import { HostError } from '../../codecs/host/error.js';
import { AddressType } from './address-type.js';
import type { FibBuilder } from './fib.js';
import { type Interface, noInterface } from './interfaces.js';
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

/** The state of the host while its routes are added. */
export interface RouteContext {
  readonly interfaces: readonly Interface[];
  /** The index of an interface by its name; -1 if there is none. */
  interfaceIndex(name: string): number;
  readonly sysctls: Sysctls;
  /** The builders of the tables local and main (merged) and default. */
  readonly main: FibBuilder;
  readonly fallback: FibBuilder;
}

/** Adds the route in DESCRIPTION. Throws a HostError if the kernel would refuse it. */
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
  // `ip -j route` with kernels up to 5.2 shows such routes on device lo, which the kernel itself ignores.
  if (gateway !== undefined) fail('gateway', `a route of type ${type} has no gateway`);
  if (dev !== undefined && dev !== 'lo') fail('dev', `a route of type ${type} has no device`);
  return { dev: -1, gateway: undefined };
}

function nextHopOf(context: RouteContext, description: RouteDescription, fail: Fail): NextHop {
  const { gateway, scope } = description;
  const dev = devOf(context, description.dev, fail);
  if (gateway === undefined) {
    if (dev < 0) fail('dev', 'an interface or a gateway is required');
    if (scope > Scope.HOST) fail('scope', 'routes of this scope are not allowed');
    return { dev, gateway };
  }
  if (scope >= Scope.HOST) fail('gateway', 'a route of scope host has no gateway');
  if (description.isOnLink) {
    if (dev < 0) fail('dev', 'onlink requires an interface');
    if (scope >= Scope.LINK || context.main.typeOf(gateway) !== AddressType.UNICAST)
      fail('gateway', unreachable(gateway));
    return { dev, gateway };
  }
  const via = routeToGateway(context, description, gateway, dev);
  if (via === null || (via.type !== RouteType.UNICAST && via.type !== RouteType.LOCAL))
    return fail('gateway', unreachable(gateway));
  // A gateway that is an address of the host keeps its device, but there is no next hop.
  return { dev: via.dev, gateway: via.scope === Scope.LINK ? gateway : undefined };
}

const unreachable = (gateway: Address) => `the gateway ${gateway} is not on a link of the host`;

/** Finds a route of narrower scope to GATEWAY (fib_check_nh). */
function routeToGateway(
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

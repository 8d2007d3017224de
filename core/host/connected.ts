/** The routes that the kernel adds for an address (fib_add_ifaddr). */
import { type Address, addressFromHostOrder } from '../../codecs/address.js';
import type { FibBuilder } from './fib.js';
import { type Interface, type InterfaceAddress, isInNetwork } from './interfaces.js';
import { type Route, RouteTable, RouteType, Scope } from './route.js';

const LIMITED_BROADCAST = addressFromHostOrder(0xffffffff);

/** Where routes of addresses go: the tables local and main, which may be the same builder. */
export interface ConnectedTables {
  readonly local: FibBuilder;
  readonly main: FibBuilder;
}

/**
 * Adds the routes for every address of DEV to TABLES. LISTED: the routes to connected networks in the description,
 * which replace those that follow from addresses.
 */
export function addConnectedRoutes(tables: ConnectedTables, dev: Interface, listed: readonly Route[]): void {
  for (const address of dev.addresses) addRoutesOf(tables, dev, address, listed);
}

function addRoutesOf(
  { local: table, main }: ConnectedTables,
  dev: Interface,
  address: InterfaceAddress,
  listed: readonly Route[],
): void {
  const { local, mask, prefixLength, broadcast, isSecondary } = address;
  const prefix = address.peer.masked(mask);
  const primary = isSecondary ? primaryOf(dev, address) : address;
  const add = (type: RouteType, destination: Address, length: number, metric = 0) => {
    // An address that is the broadcast address of an earlier one is not a valid source, so its routes are refused.
    const isOwn = type === RouteType.LOCAL && destination.equals(primary.local);
    if (!isOwn && table.typeOf(primary.local) !== RouteType.LOCAL) return;
    const isMain = type === RouteType.UNICAST;
    (isMain ? main : table).append({
      type,
      destination,
      prefixLength: length,
      table: isMain ? RouteTable.MAIN : RouteTable.LOCAL,
      metric,
      tos: 0,
      scope: type === RouteType.LOCAL ? Scope.HOST : Scope.LINK,
      dev: dev.index,
      gateway: undefined,
      gatewayMac: undefined,
      preferredSource: primary.local,
      mtu: dev.mtu,
      realms: 0,
      multipath: undefined,
    });
  };
  add(RouteType.LOCAL, local, 32);
  if (broadcast !== undefined && !broadcast.equals(LIMITED_BROADCAST)) add(RouteType.BROADCAST, broadcast, 32);
  if (prefix.isUnspecified || isSecondary || (prefixLength === 32 && prefix.equals(local))) return;
  const isListed = listed.some(
    (route) => route.dev === dev.index && route.prefixLength === prefixLength && route.destination.equals(prefix),
  );
  if (dev.isLoopback) add(RouteType.LOCAL, prefix, prefixLength);
  else if (!address.isWithoutRoute && !isListed) add(RouteType.UNICAST, prefix, prefixLength, address.metric);
  if (prefixLength < 31) add(RouteType.BROADCAST, prefix.lastInPrefix(prefixLength), 32);
}

/** The primary address that makes ADDRESS secondary. */
function primaryOf(dev: Interface, address: InterfaceAddress): InterfaceAddress {
  const { prefixLength, peer } = address;
  return (
    dev.addresses.find((other) => other.prefixLength === prefixLength && isInNetwork(peer.loaded, other)) ?? address
  );
}

/** The routes that the kernel adds for an address (fib_add_ifaddr). */
import { type Address, addressFromHostOrder } from '../../codecs/address.js';
import type { FibBuilder } from './fib.js';
import { type Interface, type InterfaceAddress, isInNetwork } from './interfaces.js';
import { RouteTable, RouteType, Scope } from './route.js';

const LIMITED_BROADCAST = addressFromHostOrder(0xffffffff);

/** Adds to BUILDER the routes for every address of DEV. */
export function addConnectedRoutes(builder: FibBuilder, dev: Interface): void {
  for (const address of dev.addresses) addRoutesOf(builder, dev, address);
}

function addRoutesOf(builder: FibBuilder, dev: Interface, address: InterfaceAddress): void {
  const { local, mask, prefixLength, broadcast, isSecondary } = address;
  const prefix = address.peer.masked(mask);
  const primary = isSecondary ? primaryOf(dev, address) : address;
  const add = (type: RouteType, destination: Address, length: number) => {
    // An address that is the broadcast address of an earlier one is not a valid source, so its routes are refused.
    const isOwn = type === RouteType.LOCAL && destination.equals(primary.local);
    if (!isOwn && builder.typeOf(primary.local) !== RouteType.LOCAL) return;
    builder.append({
      type,
      destination,
      prefixLength: length,
      table: type === RouteType.UNICAST ? RouteTable.MAIN : RouteTable.LOCAL,
      metric: 0,
      scope: type === RouteType.LOCAL ? Scope.HOST : Scope.LINK,
      dev: dev.index,
      gateway: undefined,
      preferredSource: primary.local,
    });
  };
  add(RouteType.LOCAL, local, 32);
  if (broadcast !== undefined && !broadcast.equals(LIMITED_BROADCAST)) add(RouteType.BROADCAST, broadcast, 32);
  if (prefix.isUnspecified || isSecondary || (prefixLength === 32 && prefix.equals(local))) return;
  add(dev.isLoopback ? RouteType.LOCAL : RouteType.UNICAST, prefix, prefixLength);
  if (prefixLength < 31) add(RouteType.BROADCAST, prefix.lastInPrefix(prefixLength), 32);
}

/** The primary address that makes ADDRESS secondary. */
function primaryOf(dev: Interface, address: InterfaceAddress): InterfaceAddress {
  const { prefixLength, peer } = address;
  return (
    dev.addresses.find((other) => other.prefixLength === prefixLength && isInNetwork(peer.loaded, other)) ?? address
  );
}

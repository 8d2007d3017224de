/** The routes that an address brings with it (fib_add_ifaddr). */
import type { FibBuilder } from './fib.js';
import { type Interface, type InterfaceAddress, isInNetwork } from './interfaces.js';
import { RouteTable, RouteType, Scope } from './route.js';

const LIMITED_BROADCAST = -1;

/** Adds the routes of every address of DEV to BUILDER. */
export function addConnectedRoutes(builder: FibBuilder, dev: Interface): void {
  for (const address of dev.addresses) addRoutesOf(builder, dev, address);
}

function addRoutesOf(builder: FibBuilder, dev: Interface, address: InterfaceAddress): void {
  const { local, mask, prefixLength, broadcast, isSecondary } = address;
  const prefix = address.peer & mask;
  const primary = isSecondary ? primaryOf(dev, address) : address;
  const add = (type: RouteType, destination: number, length: number) => {
    // Where the address is the broadcast of an earlier one it is no valid source, and its routes are refused.
    const isOwn = type === RouteType.LOCAL && destination === primary.local;
    if (!isOwn && builder.typeOf(primary.local) !== RouteType.LOCAL) return;
    builder.append({
      type,
      destination,
      prefixLength: length,
      table: type === RouteType.UNICAST ? RouteTable.MAIN : RouteTable.LOCAL,
      metric: 0,
      scope: type === RouteType.LOCAL ? Scope.HOST : Scope.LINK,
      dev: dev.index,
      gateway: 0,
      preferredSource: primary.local,
    });
  };
  add(RouteType.LOCAL, local, 32);
  if (broadcast !== 0 && broadcast !== LIMITED_BROADCAST) add(RouteType.BROADCAST, broadcast, 32);
  if (prefix === 0 || isSecondary || (prefix === local && prefixLength === 32)) return;
  add(dev.isLoopback ? RouteType.LOCAL : RouteType.UNICAST, prefix, prefixLength);
  if (prefixLength < 31) add(RouteType.BROADCAST, prefix | ~mask, 32);
}

/** The address that made ADDRESS a secondary one. */
function primaryOf(dev: Interface, address: InterfaceAddress): InterfaceAddress {
  return dev.addresses.find((other) => other.mask === address.mask && isInNetwork(address.peer, other)) ?? address;
}

/** Source address selection. */
import type { Address } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { Interface, InterfaceAddress } from './interfaces.js';
import { isInNetwork } from './interfaces.js';
import { Scope } from './route.js';

/**
 * The source address on interface DEV for packets to NEXT_HOP (0: unspecified), with a scope no narrower than SCOPE:
 * the primary address whose network contains the next hop, or else the first primary address, or else an address of
 * another interface (loopback first), or undefined. IS_LOCALNET_ROUTED: addresses of scope host count as scope link
 * (inet_select_addr).
 */
export function selectAddress(
  interfaces: readonly Interface[],
  dev: number,
  nextHop: LoadedAddress,
  scope: number,
  isLocalnetRouted: boolean,
): Address | undefined {
  const nearest = isLocalnetRouted ? Scope.LINK : Scope.HOST;
  const { addresses } = interfaces[dev];
  let first: Address | undefined;
  for (let i = 0; i < addresses.length; i++) {
    const address = addresses[i];
    if (address.isSecondary || Math.min(address.scope, nearest) > scope) continue;
    if (nextHop === 0 || isInNetwork(nextHop, address)) return address.local;
    first ??= address.local;
  }
  return first ?? borrowedAddress(interfaces, scope);
}

function borrowedAddress(interfaces: readonly Interface[], scope: number): Address | undefined {
  for (let i = 0; i < interfaces.length; i++) {
    const { addresses } = interfaces[i];
    for (let j = 0; j < addresses.length; j++) if (isLendable(addresses[j], scope)) return addresses[j].local;
  }
  return undefined;
}

/** in_dev_select_addr */
function isLendable(address: InterfaceAddress, scope: number): boolean {
  return !address.isSecondary && address.scope !== Scope.LINK && address.scope <= scope;
}

/** Which of its addresses the host uses as a source. */
import type { Address } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { Interface, InterfaceAddress } from './interfaces.js';
import { isInNetwork } from './interfaces.js';
import { Scope } from './route.js';

/**
 * The address that goes with interface DEV for packets to NEXT_HOP (0: none in particular), of a scope no nearer than
 * SCOPE: the primary one whose network holds the next hop, else the first primary one, else another interface's
 * (loopback first); undefined: there is none. IS_LOCALNET_ROUTED: addresses of scope host count as link (inet_select_addr).
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

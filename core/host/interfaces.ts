/** The host's interfaces and their addresses, in kernel order. */
import type { Address } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { withNearest } from '../../codecs/nearest.js';

/** The kernel's index of lo in every network namespace. */
export const LOOPBACK_IFINDEX = 1;

/** One IPv4 address of an interface (struct in_ifaddr). */
export interface InterfaceAddress {
  readonly local: Address;
  /** The other end of a point-to-point link; otherwise the same as `local`. */
  readonly peer: Address;
  readonly prefixLength: number;
  readonly mask: Address;
  /** undefined if there is none. */
  readonly broadcast: Address | undefined;
  /** See `Scope`. */
  readonly scope: number;
  /** Of the route to its network. */
  readonly metric: number;
  /** There is no route to its network. */
  readonly isWithoutRoute: boolean;
  /** It is in the network of an earlier address. */
  readonly isSecondary: boolean;
}

export interface Interface {
  /** Position in `host.interfaces`, which it keeps for as long as the host exists. */
  readonly index: number;
  readonly name: string;
  /** The kernel's index; 0: unknown. One of the same name that is made later has another. */
  readonly ifindex: number;
  /** The host has it now. Nothing arrives on one that is gone, or has not come yet, and no route leads there. */
  readonly isPresent: boolean;
  /** It is set down, and not since the beginning: nothing arrives on it. */
  readonly isDown: boolean;
  /** It is up and has no carrier, and not since the beginning: nothing leaves by it. */
  readonly isLinkDown: boolean;
  /** The description says that it is up, and that it has a carrier. */
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** The length of the header before each packet: that of Ethernet, or 0 if packets are bare. */
  readonly linkLength: number;
  /** Six bytes; zeros if it has none. */
  readonly mac: Uint8Array;
  /** Its neighbours are not resolved: frames are addressed to its own MAC. */
  readonly isArpless: boolean;
  /** In bytes. */
  readonly mtu: number;
  readonly isLoopback: boolean;
  /** The name or number of its group. */
  readonly group: string;
  /** Primary addresses first. */
  readonly addresses: readonly InterfaceAddress[];
}

/** Whether ADDRESS is in the network of INTERFACE_ADDRESS (inet_ifa_match). */
export function isInNetwork(address: LoadedAddress, { peer, mask }: InterfaceAddress): boolean {
  return ((address ^ peer.loaded) & mask.loaded) === 0;
}

/**
 * Adds an address to an interface's LIST as the kernel does (__inet_insert_ifa). An address in the network of an
 * earlier one becomes secondary and goes to the end. A primary address goes after the last primary one of the same or
 * wider scope. Returns false, without adding it, for a duplicate, 0.0.0.0, or a scope different from that of its
 * network.
 */
export function insertAddress(list: InterfaceAddress[], address: Omit<InterfaceAddress, 'isSecondary'>): boolean {
  if (address.local.isUnspecified) return false;
  let afterPrimaries = 0;
  let isSecondary = false;
  for (const [i, other] of list.entries()) {
    if (!other.isSecondary && address.scope <= other.scope) afterPrimaries = i + 1;
    if (other.prefixLength !== address.prefixLength || !isInNetwork(address.peer.loaded, other)) continue;
    if (other.local.equals(address.local) || other.scope !== address.scope) return false;
    isSecondary = true;
  }
  list.splice(isSecondary ? list.length : afterPrimaries, 0, { ...address, isSecondary });
  return true;
}

/** Says that the host has no interface NAME; NAMES are those that it has. */
export function noInterface(name: string, names: Iterable<string>): string {
  return withNearest(`the host has no interface ${name}`, name, names);
}

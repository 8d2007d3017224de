/** Which networks addresses are in. */
import { type Address, parseAddress, prefixMask } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import type { Host } from '../../core/host/host.js';
import { type Interface, type InterfaceAddress, isInNetwork } from '../../core/host/interfaces.js';

/** The dotted ADDRESS as routing takes it. */
export function loadedOf(address: string): LoadedAddress {
  return parseAddress(address)?.loaded ?? 0;
}

export function interfaceNamed({ interfaces }: Host, name: string): Interface | undefined {
  return interfaces.find((one) => one.name === name);
}

/** The address of INTERFACE in whose network the dotted ADDRESS is. */
export function networkWith(one: Interface | undefined, address: string): InterfaceAddress | undefined {
  return one?.addresses.find((own) => isInNetwork(loadedOf(address), own));
}

/** `172.17.0.0/16` */
export function networkText({ local, mask, prefixLength }: InterfaceAddress): string {
  return `${local.masked(mask)}/${prefixLength}`;
}

export interface Block {
  readonly network: Address;
  readonly mask: Address;
}

/** The block that TEXT, such as `10.0.0.0/8`, names. */
export function blockOf(text: string): Block {
  const [address, length] = text.split('/');
  const network = parseAddress(address);
  if (network === undefined) throw new RangeError(`no address: ${text}`);
  return { network, mask: prefixMask('ipv4', Number(length)) };
}

/** Whether the dotted ADDRESS is in one of BLOCKS. */
export function isIn(address: string, blocks: readonly Block[]): boolean {
  const parsed = parseAddress(address);
  return parsed !== undefined && blocks.some(({ network, mask }) => parsed.masked(mask).equals(network));
}

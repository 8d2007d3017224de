/** IPv4 addresses as unsigned numbers in host order, for arithmetic on networks. */

export function parseIpv4(text: string): number {
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

export interface Network {
  address: number;
  prefixLength: number;
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0;
}

/** The network of ADDRESS. */
export function networkOf(address: number, prefixLength: number): Network {
  return { address: (address & maskOf(prefixLength)) >>> 0, prefixLength };
}

export function contains(network: Network, address: number): boolean {
  return (address & maskOf(network.prefixLength)) >>> 0 === network.address;
}

export function formatNetwork({ address, prefixLength }: Network): string {
  return `${formatIpv4(address)}/${prefixLength}`;
}

export function broadcastOf({ address, prefixLength }: Network): number {
  return (address | ~maskOf(prefixLength)) >>> 0;
}

/** IPv4 addresses as int32, loaded little-endian from the wire, and as text. */

/** 0 to 255 as text: a list of a million connections has 16 million of them. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => String(octet));

/** ADDRESS in dotted notation. */
export function formatAddress(address: number): string {
  return `${OCTETS[address & 255]}.${OCTETS[(address >>> 8) & 255]}.${OCTETS[(address >>> 16) & 255]}.${OCTETS[address >>> 24]}`;
}

/** The address that TEXT gives in dotted notation (four decimal numbers, no leading zeros); undefined where it is none. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let address = 0;
  for (let i = 4; i >= 1; i--) {
    const octet = Number(match[i]);
    if (octet > 255 || String(octet) !== match[i]) return undefined;
    address = (address << 8) | octet;
  }
  return address;
}

/** A 32-bit word with its bytes in the opposite order: an address in host order (unsigned), or back again with `| 0`. */
export function swap32(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** A 16-bit word with its bytes in the opposite order. */
export function swap16(word: number): number {
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}

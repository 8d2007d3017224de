/** IPv4 addresses as int32, loaded little-endian from the wire, and as text. */

/** 0 to 255 as text: a list of a million connections has 16 million of them. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => String(octet));

const ZERO = 0x30;

/** ADDRESS in dotted notation. */
export function formatAddress(address: number): string {
  return `${OCTETS[address & 255]}.${OCTETS[(address >>> 8) & 255]}.${OCTETS[(address >>> 16) & 255]}.${OCTETS[address >>> 24]}`;
}

/** The address that TEXT gives in dotted notation (four decimal numbers, no leading zeros); undefined where it is none. */
export function parseAddress(text: string): number | undefined {
  const address = parseDottedQuad(text);
  return address === undefined ? undefined : swap32(address) | 0;
}

/** As `parseAddress`, but in host order, unsigned. */
export function parseDottedQuad(text: string): number | undefined {
  let address = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (text[at] === '.') {
      if (digits === 0) return undefined;
      address = address * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else {
      if (digit < 0 || digit > 9 || (part === 0 && digits > 0)) return undefined;
      part = part * 10 + digit;
      digits++;
      if (part > 255) return undefined;
    }
  }
  return dots === 3 && digits > 0 ? address * 256 + part : undefined;
}

/** A 32-bit word with its bytes in the opposite order: an address in host order (unsigned), or back again with `| 0`. */
export function swap32(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** A 16-bit word with its bytes in the opposite order. */
export function swap16(word: number): number {
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}

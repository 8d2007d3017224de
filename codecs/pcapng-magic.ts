/** How a pcapng file, and each of its sections, is recognised. */

/** The type of a section header block, which is the same in both byte orders. */
export const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const SWAPPED_BYTE_ORDER_MAGIC = 0x4d3c2b1a;

export function isByteOrderMagic(magic: number): boolean {
  return magic === BYTE_ORDER_MAGIC || magic === SWAPPED_BYTE_ORDER_MAGIC;
}

/** CRC-32C (Castagnoli), SCTP's checksum (RFC 9260, appendix A). */

/** The reflected polynomial. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = crcTable(POLYNOMIAL);

/** The remainders of all bytes, for a reflected POLYNOMIAL. */
export function crcTable(polynomial: number): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < table.length; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
    table[byte] = crc;
  }
  return table;
}

/** Updates REMAINDER (initially -1) with LENGTH bytes of VIEW from AT on. The CRC is the complement of the last one. */
export function crc32cStep(view: DataView, at: number, length: number, remainder: number): number {
  let crc = remainder;
  for (let position = at; position < at + length; position++) {
    crc = (crc >>> 8) ^ TABLE[(crc ^ view.getUint8(position)) & 0xff];
  }
  return crc;
}

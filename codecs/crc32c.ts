/** CRC-32C (Castagnoli), SCTP's checksum (RFC 9260, appendix A). */

/** The reflected polynomial. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = new Int32Array(256);
for (let byte = 0; byte < TABLE.length; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  TABLE[byte] = crc;
}

/** Updates REMAINDER (initially -1) with LENGTH bytes of VIEW from AT on. The CRC is the complement of the last one. */
export function crc32cStep(view: DataView, at: number, length: number, remainder: number): number {
  let crc = remainder;
  for (let position = at; position < at + length; position++) {
    crc = (crc >>> 8) ^ TABLE[(crc ^ view.getUint8(position)) & 0xff];
  }
  return crc;
}

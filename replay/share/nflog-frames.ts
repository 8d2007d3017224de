/** Replaces what packets of the nflog device say: the prefix and the packet. What is not needed of them is left out. */
import { NflogPacket } from '../../codecs/nflog.js';
import { decodeText, encodeText } from '../../codecs/text.js';
import { replaceIpv4 } from './ip-packets.js';
import type { FrameParts } from './link-frames.js';

const HEADER_BYTES = 4;
const TLV_HEADER_BYTES = 4;
const [PACKET_HEADER, MARK, IN_DEV, OUT_DEV, IN_PORT, OUT_PORT, PAYLOAD, PREFIX] = [1, 2, 4, 5, 6, 7, 9, 10];
const KEPT: readonly number[] = [PACKET_HEADER, MARK, IN_DEV, OUT_DEV, IN_PORT, OUT_PORT];
const AF_INET = 2;

export function replaceNflog(given: Uint8Array, parts: FrameParts): Uint8Array {
  const view = new DataView(given.buffer, given.byteOffset, given.length);
  if (!new NflogPacket().read(view, 0, given.length)) {
    const bytes = Uint8Array.from(given);
    parts.payload(bytes, 0, [Math.min(HEADER_BYTES, bytes.length), bytes.length], { is: 'whole' });
    return bytes;
  }
  const isIpv4 = view.getUint8(0) === AF_INET;
  const pieces: Uint8Array[] = [given.subarray(0, HEADER_BYTES)];
  for (let at = HEADER_BYTES; at + TLV_HEADER_BYTES <= given.length; ) {
    const isLittleEndian = view.getUint8(at + 3) === 0;
    const length = Math.max(view.getUint16(at, isLittleEndian), TLV_HEADER_BYTES);
    const type = view.getUint16(at + 2, isLittleEndian);
    const value = replacedValue(type, given.slice(at + TLV_HEADER_BYTES, at + length), isIpv4, parts);
    if (value !== undefined) pieces.push(...tlv(type, value, isLittleEndian));
    at += (length + 3) & ~3;
  }
  return Uint8Array.from(Buffer.concat(pieces));
}

/** Undefined: it is left out. */
function replacedValue(type: number, value: Uint8Array, isIpv4: boolean, parts: FrameParts): Uint8Array | undefined {
  if (KEPT.includes(type)) return value;
  if (type === PREFIX) return encodeText(`${parts.prefix(decodeText(value).replace(/\0.*$/s, ''))}\0`);
  if (type !== PAYLOAD) return undefined;
  if (isIpv4) replaceIpv4(value, 0, value.length, parts);
  else parts.payload(value, 0, [0, value.length], { is: 'whole' });
  return value;
}

function tlv(type: number, value: Uint8Array, isLittleEndian: boolean): Uint8Array[] {
  const head = new Uint8Array(TLV_HEADER_BYTES);
  const view = new DataView(head.buffer);
  view.setUint16(0, TLV_HEADER_BYTES + value.length, isLittleEndian);
  view.setUint16(2, type, isLittleEndian);
  return [head, value, new Uint8Array(-value.length & 3)];
}

/**
 * hot: packets of the nflog device (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html): a header of four bytes,
 * then TLVs, the netlink attributes of linux/netfilter/nfnetlink_log.h. Lengths and types are in the byte order of the
 * capturing machine, values in network order.
 */
import { encodeText } from './text.js';

const HEADER_BYTES = 4;
const TLV_HEADER_BYTES = 4;

const NFULA_PACKET_HDR = 1;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;
const AF_INET = 2;

export class NflogPacket {
  /** The address family: AF_INET is 2, AF_INET6 10. */
  family = 0;
  /** The kernel's indexes of the interfaces; 0: none. */
  inDev = 0;
  outDev = 0;
  /** The netfilter hook, 0 (PREROUTING) to 4 (POSTROUTING); -1: unknown. */
  hook = -1;
  /** The offset of the logged packet, and how many bytes of it are there; -1 if there is no payload. */
  payloadAt = -1;
  payloadBytes = 0;
  /** The netlink group, and where the prefix is; 0 bytes if there is none. */
  group = 0;
  prefixAt = 0;
  prefixBytes = 0;

  /** Reads the CAPLEN bytes at AT. Returns false if they end within a header. */
  read(view: DataView, at: number, caplen: number): boolean {
    this.inDev = 0;
    this.outDev = 0;
    this.hook = -1;
    this.payloadAt = -1;
    this.payloadBytes = 0;
    this.prefixBytes = 0;
    if (caplen < HEADER_BYTES) return false;
    this.family = view.getUint8(at);
    this.group = view.getUint16(at + 2);
    const end = at + caplen;
    for (let tlv = at + HEADER_BYTES; tlv + TLV_HEADER_BYTES <= end; ) {
      // Every type is below 256, which tells the byte order.
      const isLittleEndian = view.getUint8(tlv + 3) === 0;
      const length = view.getUint16(tlv, isLittleEndian);
      if (length < TLV_HEADER_BYTES) return false;
      this.#take(view, view.getUint16(tlv + 2, isLittleEndian), tlv + TLV_HEADER_BYTES, Math.min(tlv + length, end));
      tlv += aligned(length);
    }
    return this.payloadAt >= 0;
  }

  /** Takes the value of a TLV, from AT to END. */
  #take(view: DataView, type: number, at: number, end: number): void {
    const length = end - at;
    if (type === NFULA_PAYLOAD) {
      this.payloadAt = at;
      this.payloadBytes = length;
    } else if (type === NFULA_PREFIX) {
      this.prefixAt = at;
      // Without the zero at its end.
      this.prefixBytes = length - 1;
    } else if (type === NFULA_PACKET_HDR && length >= 3) this.hook = view.getUint8(at + 2);
    else if (type === NFULA_IFINDEX_INDEV && length >= 4) this.inDev = view.getUint32(at);
    else if (type === NFULA_IFINDEX_OUTDEV && length >= 4) this.outDev = view.getUint32(at);
  }
}

/**
 * The packet of the nflog device about a logged IPv4 PACKET: its GROUP, its PREFIX ('' for none), as much of it as was
 * passed on.
 */
export function nflogPacket(group: number, prefix: string, packet: Uint8Array): Uint8Array {
  const text = prefix === '' ? undefined : encodeText(`${prefix}\0`);
  const prefixBytes = text === undefined ? 0 : TLV_HEADER_BYTES + aligned(text.length);
  const bytes = new Uint8Array(HEADER_BYTES + prefixBytes + TLV_HEADER_BYTES + aligned(packet.length));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, AF_INET);
  view.setUint16(2, group);
  if (text !== undefined) writeTlv(bytes, view, HEADER_BYTES, NFULA_PREFIX, text);
  writeTlv(bytes, view, HEADER_BYTES + prefixBytes, NFULA_PAYLOAD, packet);
  return bytes;
}

function writeTlv(bytes: Uint8Array, view: DataView, at: number, type: number, value: Uint8Array): void {
  view.setUint16(at, TLV_HEADER_BYTES + value.length, true);
  view.setUint16(at + 2, type, true);
  bytes.set(value, at + TLV_HEADER_BYTES);
}

const aligned = (length: number): number => (length + 3) & ~3;

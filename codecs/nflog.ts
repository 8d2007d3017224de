/**
 * hot: packets of the nflog device (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html): a header of four bytes,
 * then TLVs, the netlink attributes of linux/netfilter/nfnetlink_log.h. Lengths and types are in the byte order of the
 * capturing machine, values in network order.
 */

const HEADER_BYTES = 4;
const TLV_HEADER_BYTES = 4;

const NFULA_PACKET_HDR = 1;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;

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

  /** Reads the CAPLEN bytes at AT. Returns false if they end within a header. */
  read(view: DataView, at: number, caplen: number): boolean {
    this.inDev = 0;
    this.outDev = 0;
    this.hook = -1;
    this.payloadAt = -1;
    this.payloadBytes = 0;
    if (caplen < HEADER_BYTES) return false;
    this.family = view.getUint8(at);
    const end = at + caplen;
    for (let tlv = at + HEADER_BYTES; tlv + TLV_HEADER_BYTES <= end; ) {
      // Every type is below 256, which tells the byte order.
      const isLittleEndian = view.getUint8(tlv + 3) === 0;
      const length = view.getUint16(tlv, isLittleEndian);
      if (length < TLV_HEADER_BYTES) return false;
      this.#take(view, view.getUint16(tlv + 2, isLittleEndian), tlv + TLV_HEADER_BYTES, Math.min(tlv + length, end));
      tlv += (length + 3) & ~3;
    }
    return this.payloadAt >= 0;
  }

  /** Takes the value of a TLV, from AT to END. */
  #take(view: DataView, type: number, at: number, end: number): void {
    const length = end - at;
    if (type === NFULA_PAYLOAD) {
      this.payloadAt = at;
      this.payloadBytes = length;
    } else if (type === NFULA_PACKET_HDR && length >= 3) this.hook = view.getUint8(at + 2);
    else if (type === NFULA_IFINDEX_INDEV && length >= 4) this.inDev = view.getUint32(at);
    else if (type === NFULA_IFINDEX_OUTDEV && length >= 4) this.outDev = view.getUint32(at);
  }
}

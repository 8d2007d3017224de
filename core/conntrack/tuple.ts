/** hot: what names a connection in one direction, read off a packet. */
import {
  ICMP_LENGTH,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
} from '../../codecs/layouts.js';

/** Enhanced GRE (RFC 2637, section 4.1), which alone has a key that conntrack reads. */
const GRE_VERSION_MASK = 0x0007;
const GRE_VERSION_PPTP = 1;
const GRE_PROTOCOL_PPP = 0x880b;
const GRE_CALL_ID_AT = 6;

/** The ICMP type that answers each query type and the other way round (nf_conntrack_proto_icmp), -1: none. */
const ICMP_INVERSE = new Int8Array(256).fill(-1);
for (const [query, reply] of [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
]) {
  ICMP_INVERSE[query] = reply;
  ICMP_INVERSE[reply] = query;
}

/** A tuple (struct nf_conntrack_tuple) in one reused record; its words are as record.ts describes them. */
export class Tuple {
  source = 0;
  destination = 0;
  ports = 0;
  protocol = 0;

  /**
   * Take the tuple of the IPv4 packet at AT, of which AVAILABLE bytes are there. False where it has none: a later
   * fragment, or too little of the layer-4 header (nf_ct_get_tuplepr).
   */
  read(view: DataView, at: number, available: number): boolean {
    if (available < IPV4_LENGTH) return false;
    const headerLength = (view.getUint8(at) & 15) << 2;
    if ((view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) !== 0) return false;
    this.source = view.getInt32(at + IPV4_SOURCE_AT, true);
    this.destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    this.protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    return this.#readPorts(view, at + headerLength, available - headerLength);
  }

  #readPorts(view: DataView, l4: number, available: number): boolean {
    switch (this.protocol) {
      case IPPROTO_TCP:
      case IPPROTO_UDP:
      case IPPROTO_UDPLITE:
      case IPPROTO_SCTP:
        if (available < 4) return false;
        this.ports = view.getInt32(l4, true);
        return true;
      case IPPROTO_ICMP:
        if (available < ICMP_LENGTH) return false;
        this.ports = view.getUint16(l4 + 4, true) | (view.getUint16(l4, true) << 16);
        return true;
      case IPPROTO_GRE:
        return this.#readGreKey(view, l4, available);
      default:
        this.ports = 0;
        return available >= 0;
    }
  }

  #readGreKey(view: DataView, l4: number, available: number): boolean {
    this.ports = 0;
    if (available < 4 || (view.getUint16(l4) & GRE_VERSION_MASK) !== GRE_VERSION_PPTP) return true;
    if (available < 8) return true;
    if (view.getUint16(l4 + 2) !== GRE_PROTOCOL_PPP) return false;
    this.ports = view.getUint16(l4 + GRE_CALL_ID_AT, true) << 16;
    return true;
  }

  /** Turn the tuple round. False where the protocol has no inverse of it (nf_ct_invert_tuple). */
  invert(): boolean {
    if (this.protocol === IPPROTO_ICMP && ICMP_INVERSE[(this.ports >>> 16) & 0xff] < 0) return false;
    const { source } = this;
    this.source = this.destination;
    this.destination = source;
    this.ports = invertPorts(this.ports, this.protocol);
    return true;
  }
}

/** The ports word of the inverse tuple: ports exchanged; of ICMP the type's counterpart, id and code the same. */
export function invertPorts(ports: number, protocol: number): number {
  if (protocol !== IPPROTO_ICMP) return (ports >>> 16) | (ports << 16);
  return (ports & 0xff00ffff) | (ICMP_INVERSE[(ports >>> 16) & 0xff] << 16);
}

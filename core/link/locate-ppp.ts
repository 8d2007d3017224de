/** hot: the header of a PPP frame (RFC 1661, RFC 1662, RFC 2516), with its two compressions. */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS } from '../../codecs/layouts.js';

/** RFC 1662, section 3.1: all stations, unnumbered information. Both bytes may be left out (ACFC, RFC 1661, 6.6). */
const ADDRESS_AND_CONTROL = 0xff03;
/** Cisco's HDLC has one of these addresses, a control byte, and an EtherType (RFC 1547, section 4.3.1). */
const CISCO_UNICAST = 0x0f;
const CISCO_BROADCAST = 0x8f;
const CISCO_HEADER_BYTES = 4;

/** The header of PPPoE: version, type and code, session, length (RFC 2516, section 4). */
const PPPOE_HEADER_BYTES = 6;
/** Version 1, type 1, code 0: a session's data. */
const PPPOE_SESSION_DATA = 0x1100;

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
const PPP_MPLS_UNICAST = 0x0281;

/** The result of the functions below, reused for all frames. */
export class PppHeader {
  /** Length of the header in bytes. */
  length = 0;
  /** The EtherType of what follows; ETHERTYPE_OTHER for what PPP alone has: LCP, authentication, compressed headers. */
  etherType = 0;
}

/** An EtherType of nothing. */
export const ETHERTYPE_OTHER = -1;

/**
 * Reads the PPP header at AT, of which CAPLEN bytes are there. Returns false if they end within it.
 */
export function readPpp(view: DataView, at: number, caplen: number, header: PppHeader): boolean {
  let length = caplen >= 2 && view.getUint16(at) === ADDRESS_AND_CONTROL ? 2 : 0;
  if (caplen <= length) return false;
  // The upper byte of a protocol is even, the lower one odd: an odd first byte is a compressed protocol (RFC 1661,
  // section 6.5).
  const first = view.getUint8(at + length);
  const isCompressed = (first & 1) === 1;
  if (!isCompressed && caplen < length + 2) return false;
  const protocol = isCompressed ? first : view.getUint16(at + length);
  length += isCompressed ? 1 : 2;
  header.length = length;
  header.etherType = etherTypeOf(protocol);
  return true;
}

/** The same for a frame on a serial line, which may also have Cisco's header. */
export function readHdlc(view: DataView, at: number, caplen: number, header: PppHeader): boolean {
  const address = caplen > 0 ? view.getUint8(at) : 0;
  if (address !== CISCO_UNICAST && address !== CISCO_BROADCAST) return readPpp(view, at, caplen, header);
  if (caplen < CISCO_HEADER_BYTES) return false;
  header.length = CISCO_HEADER_BYTES;
  header.etherType = view.getUint16(at + 2);
  return true;
}

/** The same for a PPPoE header and the PPP header in it. */
export function readPppoe(view: DataView, at: number, caplen: number, header: PppHeader): boolean {
  if (caplen < PPPOE_HEADER_BYTES) return false;
  if (view.getUint16(at) !== PPPOE_SESSION_DATA) {
    header.length = PPPOE_HEADER_BYTES;
    header.etherType = ETHERTYPE_OTHER;
    return true;
  }
  if (!readPpp(view, at + PPPOE_HEADER_BYTES, caplen - PPPOE_HEADER_BYTES, header)) return false;
  header.length += PPPOE_HEADER_BYTES;
  return true;
}

function etherTypeOf(protocol: number): number {
  switch (protocol) {
    case PPP_IPV4:
      return ETHERTYPE_IPV4;
    case PPP_IPV6:
      return ETHERTYPE_IPV6;
    case PPP_MPLS_UNICAST:
      return ETHERTYPE_MPLS;
    default:
      return ETHERTYPE_OTHER;
  }
}

/** Replaces what frames say about who sent them, around their IPv4 packets and in place of them. */
import {
  ETHERNET_DESTINATION_AT,
  ETHERNET_LENGTH,
  ETHERNET_SOURCE_AT,
  ETHERTYPE_8021AD,
  ETHERTYPE_8021Q,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_QINQ_OLD,
  SLL_ADDRESS_AT,
  SLL_ADDRESS_LENGTH_AT,
  SLL_LENGTH,
  SLL2_ADDRESS_AT,
  SLL2_ADDRESS_LENGTH_AT,
  SLL2_LENGTH,
  VLAN_TAG_LENGTH,
  VLAN_TYPE_AT,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import { replaceIpv4, replaceIpv6 } from './ip-packets.js';
import { replaceNflog } from './nflog-frames.js';
import type { PacketParts } from './packet-piece.js';

/** What frames are made of that is replaced. */
export interface FrameParts extends PacketParts {
  /** The six bytes of a MAC address, in place. */
  mac(bytes: Uint8Array): void;
  /** The prefix of NFLOG, as text. */
  prefix(text: string): string;
}

export interface FrameBytes {
  /** The captured frame, from its first byte on. */
  readonly bytes: Uint8Array;
  readonly linktype: number;
  readonly wirelen: number;
}

const MAC_BYTES = 6;
const WHOLE = { is: 'whole' } as const;
const VLAN_TAGS: readonly number[] = [ETHERTYPE_8021Q, ETHERTYPE_8021AD, ETHERTYPE_QINQ_OLD];
const MPLS_LABEL_BYTES = 4;

export class FrameReplacer {
  readonly #parts: FrameParts;
  readonly #isSent: boolean;
  readonly #location = new IpLocation();

  /** IS_SENT: the host itself sends the frames. */
  constructor(parts: FrameParts, isSent = false) {
    this.#parts = parts;
    this.#isSent = isSent;
  }

  /** A replacement of the frame, perhaps of another length (prefixes of NFLOG). */
  replaced({ bytes: given, linktype, wirelen }: FrameBytes): Uint8Array {
    if (linktype === Linktype.NFLOG) return replaceNflog(given, this.#parts);
    const bytes = Uint8Array.from(given);
    const view = new DataView(bytes.buffer);
    const location = this.#location;
    locateIp({ linktype, view, at: 0, caplen: bytes.length, wirelen }, location);
    this.#replaceMacs(bytes, view, linktype);
    this.#replaceContent(bytes, view, Math.min(location.at, bytes.length), location.etherType);
    return bytes;
  }

  #replaceMacs(bytes: Uint8Array, view: DataView, linktype: number): void {
    if (linktype === Linktype.ETHERNET && bytes.length >= ETHERNET_LENGTH) {
      for (const at of [ETHERNET_DESTINATION_AT, ETHERNET_SOURCE_AT]) this.#replaceMac(bytes, at);
      return;
    }
    const isFirst = linktype === Linktype.LINUX_SLL;
    if (!isFirst && linktype !== Linktype.LINUX_SLL2) return;
    if (bytes.length < (isFirst ? SLL_LENGTH : SLL2_LENGTH)) return;
    const length = isFirst ? view.getUint16(SLL_ADDRESS_LENGTH_AT) : view.getUint8(SLL2_ADDRESS_LENGTH_AT);
    const at = isFirst ? SLL_ADDRESS_AT : SLL2_ADDRESS_AT;
    if (length === MAC_BYTES) {
      this.#replaceMac(bytes, at);
      bytes.fill(0, at + MAC_BYTES, at + 8);
    } else if (length === 4) {
      // Of a tunnel: the address of its other end.
      view.setUint32(at, this.#parts.address(view.getUint32(at)));
      bytes.fill(0, at + 4, at + 8);
    } else bytes.fill(0, at, at + 8);
  }

  #replaceMac(bytes: Uint8Array, at: number): void {
    this.#parts.mac(bytes.subarray(at, at + MAC_BYTES));
  }

  /** What is behind the link header, AT, of the ETHER_TYPE. */
  #replaceContent(bytes: Uint8Array, view: DataView, at: number, etherType: number): void {
    const end = bytes.length;
    if (VLAN_TAGS.includes(etherType) && at + VLAN_TAG_LENGTH <= end) {
      this.#replaceContent(bytes, view, at + VLAN_TAG_LENGTH, view.getUint16(at + VLAN_TYPE_AT));
      return;
    }
    switch (etherType) {
      case ETHERTYPE_IPV4:
        replaceIpv4(bytes, at, end, this.#parts, this.#isSent);
        return;
      case ETHERTYPE_IPV6:
        replaceIpv6(
          { bytes, view, packet: at, parts: this.#parts, isSent: false, isCut: false, fragment: undefined },
          at,
          end,
        );
        return;
      case ETHERTYPE_ARP:
        this.#replaceArp(bytes, view, at);
        return;
      case ETHERTYPE_MPLS:
      case ETHERTYPE_MPLS_MULTICAST:
        this.#replaceLabelled(bytes, view, at);
        return;
      default:
        this.#parts.payload(bytes, at, [at, end], WHOLE);
    }
  }

  /** RFC 826, of Ethernet and IPv4. */
  #replaceArp(bytes: Uint8Array, view: DataView, at: number): void {
    const end = bytes.length;
    const isKnown = end - at >= 28 && view.getUint16(at + 2) === ETHERTYPE_IPV4 && view.getUint16(at + 4) === 0x0604;
    if (!isKnown) {
      this.#parts.payload(bytes, at, [Math.min(at + 8, end), end], WHOLE);
      return;
    }
    for (const mac of [8, 18]) this.#replaceMac(bytes, at + mac);
    for (const field of [14, 24]) view.setUint32(at + field, this.#parts.address(view.getUint32(at + field)));
    bytes.fill(0, at + 28, end);
  }

  #replaceLabelled(bytes: Uint8Array, view: DataView, start: number): void {
    let at = start;
    let isLast = false;
    while (!isLast && at + MPLS_LABEL_BYTES <= bytes.length) {
      isLast = (view.getUint8(at + 2) & 1) === 1;
      at += MPLS_LABEL_BYTES;
    }
    const version = at < bytes.length ? view.getUint8(at) >> 4 : 0;
    const etherType = version === 4 ? ETHERTYPE_IPV4 : version === 6 ? ETHERTYPE_IPV6 : -1;
    this.#replaceContent(bytes, view, at, etherType);
  }
}

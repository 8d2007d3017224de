/**
 * hot: where in a captured frame the IP packet starts, by link type (https://www.tcpdump.org/linktypes.html).
 */
import type { CaptureRecord } from './capture.js';
import { ETHERNET_LENGTH, ETHERNET_TYPE_AT } from './layouts.js';

/** The link types in which IP is looked for (LINKTYPE_ values; 12 and 14 are what RAW is called on the BSDs). */
export const Linktype = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** Link types that are met in captures of IP but not looked into, so that a message can name them. */
const OTHER_LINKTYPES: Record<number, string> = {
  6: 'Token Ring',
  8: 'SLIP',
  9: 'PPP',
  10: 'FDDI',
  50: 'PPP in HDLC-like framing',
  51: 'PPPoE',
  104: 'Cisco HDLC',
  105: 'IEEE 802.11',
  107: 'Frame Relay',
  117: 'OpenBSD pflog',
  119: 'IEEE 802.11 with a Prism header',
  127: 'IEEE 802.11 with a radiotap header',
  187: 'Bluetooth HCI',
  192: 'PPI',
  195: 'IEEE 802.15.4',
  220: 'Linux USB',
  231: 'D-Bus',
  239: 'NFLOG',
  249: 'USBPcap',
  252: 'Wireshark upper PDU',
  253: 'netlink',
};

const SUPPORTED_LINKTYPES: ReadonlySet<number> = new Set(Object.values(Linktype));

/** Whether IP is looked for in frames of LINKTYPE. */
export function isSupportedLinktype(linktype: number): boolean {
  return SUPPORTED_LINKTYPES.has(linktype);
}

/** LINKTYPE for a message: its number, and its name where it is known. */
export function linktypeName(linktype: number): string {
  const own = Object.entries(Linktype).find(([, value]) => value === linktype)?.[0];
  const name = own ?? OTHER_LINKTYPES[linktype];
  return name === undefined ? `${linktype}` : `${linktype} (${name})`;
}

/** How a frame was addressed on its link (PACKET_* of linux/if_packet.h). */
export const LinkPacketType = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3, OUTGOING: 4 } as const;
export type LinkPacketType = (typeof LinkPacketType)[keyof typeof LinkPacketType];

/** What stands before the IP packet: a MAC header, a cooked header (SLL), an address family (NULL, LOOP), nothing. */
export type LinkKind = 'ethernet' | 'cooked' | 'family' | 'raw';

/**
 * Why a frame holds no IPv4 packet for the host:
 * - link-too-short: it ends within its link header or VLAN tag
 * - vlan: tagged with a VLAN ID above 0 (`vlanId`), or with a tag that Linux does not take off (0x9100)
 * - llc: IEEE 802.3 with a length in place of the EtherType
 * - not-ip: anything else; `etherType` says what
 * - unknown-linktype: no IP is looked for in this link type
 */
export type LinkSkip = 'arp' | 'ipv6' | 'lldp' | 'llc' | 'vlan' | 'not-ip' | 'link-too-short' | 'unknown-linktype';

/** Where the IP packet of a frame is: the result of `placeIp`, reused from frame to frame. */
export class IpPlace {
  /** Where what follows the link header starts, in the record's bytes. */
  ipAt = 0;
  /** Bytes of it that were captured, and that were on the wire (padding and frame check sequence included). */
  ipCaptured = 0;
  ipOnWire = 0;
  /** The EtherType, behind the VLAN tags; where the link has none, that of the packet's IP version; -1: none. */
  etherType = -1;
  linkKind: LinkKind = 'raw';
  /**
   * Ethernet: BROADCAST or MULTICAST for a group address, HOST for any unicast address. Cooked: as the capturing kernel
   * said, with OTHERHOST and OUTGOING. HOST where the link does not say.
   */
  packetType: LinkPacketType = LinkPacketType.HOST;
  /** The ID of the outermost VLAN tag that is not a mere priority tag (ID 0); -1: none. */
  vlanId = -1;
  /** Why there is no IPv4 packet here for the host; null where there is one. */
  skip: LinkSkip | null = null;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_LLDP = 0x88cc;
const ETHERTYPE_8021Q = 0x8100;
const ETHERTYPE_8021AD = 0x88a8;
const ETHERTYPE_QINQ_OLD = 0x9100;
/** Below, the field is the length of an IEEE 802.3 frame (IEEE 802.3, clause 3.2.6). */
const ETHERTYPE_MIN = 0x0600;

const VLAN_TAG_LENGTH = 4;
const FAMILY_LENGTH = 4;
const SLL_LENGTH = 16;
const SLL_TYPE_AT = 0;
const SLL_PROTOCOL_AT = 14;
const SLL2_LENGTH = 20;
const SLL2_PROTOCOL_AT = 0;
const SLL2_TYPE_AT = 10;

/**
 * Find the IPv4 packet in RECORD and put down in PLACE where it is; false, and `place.skip`, where there is none for the
 * host. The IP header itself is not looked at (but for RAW, which has only its version to go by).
 */
export function placeIp(record: CaptureRecord, place: IpPlace): boolean {
  const { at, caplen, view } = record;
  if (
    record.linktype === Linktype.ETHERNET &&
    caplen >= ETHERNET_LENGTH &&
    view.getUint16(at + ETHERNET_TYPE_AT) === ETHERTYPE_IPV4
  ) {
    place.ipAt = at + ETHERNET_LENGTH;
    place.ipCaptured = caplen - ETHERNET_LENGTH;
    place.ipOnWire = record.wirelen - ETHERNET_LENGTH;
    place.etherType = ETHERTYPE_IPV4;
    place.linkKind = 'ethernet';
    place.packetType = (view.getUint8(at) & 1) === 0 ? LinkPacketType.HOST : groupType(view, at);
    place.vlanId = -1;
    place.skip = null;
    return true;
  }
  place.skip = placeOther(record, place);
  return place.skip === null;
}

/** All but plain IPv4 over Ethernet. */
function placeOther(record: CaptureRecord, place: IpPlace): LinkSkip | null {
  const { at, caplen, view } = record;
  place.vlanId = -1;
  place.etherType = -1;
  place.packetType = LinkPacketType.HOST;
  placeAfter(record, place, 0);
  switch (record.linktype) {
    case Linktype.ETHERNET:
      place.linkKind = 'ethernet';
      if (caplen < ETHERNET_LENGTH) return 'link-too-short';
      if ((view.getUint8(at) & 1) !== 0) place.packetType = groupType(view, at);
      place.etherType = view.getUint16(at + ETHERNET_TYPE_AT);
      return placeBehindTags(record, place, ETHERNET_LENGTH);
    case Linktype.LINUX_SLL:
      place.linkKind = 'cooked';
      if (caplen < SLL_LENGTH) return 'link-too-short';
      place.packetType = cookedType(view.getUint16(at + SLL_TYPE_AT));
      place.etherType = view.getUint16(at + SLL_PROTOCOL_AT);
      return placeBehindTags(record, place, SLL_LENGTH);
    case Linktype.LINUX_SLL2:
      place.linkKind = 'cooked';
      if (caplen < SLL2_LENGTH) return 'link-too-short';
      place.packetType = cookedType(view.getUint8(at + SLL2_TYPE_AT));
      place.etherType = view.getUint16(at + SLL2_PROTOCOL_AT);
      return placeBehindTags(record, place, SLL2_LENGTH);
    case Linktype.NULL:
    case Linktype.LOOP:
      place.linkKind = 'family';
      if (caplen < FAMILY_LENGTH) return 'link-too-short';
      placeAfter(record, place, FAMILY_LENGTH);
      place.etherType = familyEtherType(view, at);
      return skipOfEtherType(place.etherType);
    case Linktype.RAW:
    case Linktype.RAW_BSD:
    case Linktype.RAW_OPENBSD:
      place.linkKind = 'raw';
      if (caplen < 1) return 'link-too-short';
      place.etherType = versionEtherType(view.getUint8(at) >> 4);
      return skipOfEtherType(place.etherType);
    case Linktype.IPV4:
      place.linkKind = 'raw';
      place.etherType = ETHERTYPE_IPV4;
      return caplen < 1 ? 'link-too-short' : null;
    case Linktype.IPV6:
      place.linkKind = 'raw';
      place.etherType = ETHERTYPE_IPV6;
      return 'ipv6';
    default:
      place.linkKind = 'raw';
      return 'unknown-linktype';
  }
}

function placeAfter(record: CaptureRecord, place: IpPlace, headerLength: number): void {
  place.ipAt = record.at + headerLength;
  place.ipCaptured = record.caplen - headerLength;
  place.ipOnWire = record.wirelen - headerLength;
}

/**
 * Take off priority tags, as Linux does without any VLAN interface (vlan_do_receive), and the first tag with an ID:
 * what lies behind it is what its VLAN interface would see.
 */
function placeBehindTags(record: CaptureRecord, place: IpPlace, headerLength: number): LinkSkip | null {
  let length = headerLength;
  while (isVlanTag(place.etherType)) {
    if (record.caplen < length + VLAN_TAG_LENGTH) {
      placeAfter(record, place, length);
      return 'link-too-short';
    }
    const vlanId = record.view.getUint16(record.at + length) & 0x0fff;
    // Linux knows no tag 0x9100, so that not even a priority tag of that kind is taken off.
    const isTakenOff = vlanId === 0 && place.etherType !== ETHERTYPE_QINQ_OLD;
    place.etherType = record.view.getUint16(record.at + length + 2);
    length += VLAN_TAG_LENGTH;
    if (!isTakenOff) {
      place.vlanId = vlanId;
      placeAfter(record, place, length);
      return 'vlan';
    }
  }
  placeAfter(record, place, length);
  return skipOfEtherType(place.etherType);
}

function isVlanTag(etherType: number): boolean {
  return etherType === ETHERTYPE_8021Q || etherType === ETHERTYPE_8021AD || etherType === ETHERTYPE_QINQ_OLD;
}

function skipOfEtherType(etherType: number): LinkSkip | null {
  switch (etherType) {
    case ETHERTYPE_IPV4:
      return null;
    case ETHERTYPE_ARP:
      return 'arp';
    case ETHERTYPE_IPV6:
      return 'ipv6';
    case ETHERTYPE_LLDP:
      return 'lldp';
    default:
      return etherType >= 0 && etherType < ETHERTYPE_MIN ? 'llc' : 'not-ip';
  }
}

/** The group address at AT: the broadcast address, or one of a multicast group. */
function groupType(view: DataView, at: number): LinkPacketType {
  return view.getUint32(at) === 0xffffffff && view.getUint16(at + 4) === 0xffff
    ? LinkPacketType.BROADCAST
    : LinkPacketType.MULTICAST;
}

/** The packet type of a cooked header; what it may not be is taken as meant for the host. */
function cookedType(type: number): LinkPacketType {
  switch (type) {
    case LinkPacketType.BROADCAST:
    case LinkPacketType.MULTICAST:
    case LinkPacketType.OTHERHOST:
    case LinkPacketType.OUTGOING:
      return type;
    default:
      return LinkPacketType.HOST;
  }
}

/**
 * The EtherType that the address family at AT stands for; -1: neither IPv4 nor IPv6. NULL has it in the byte order of the
 * capturing machine, LOOP in network order. AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 or 30 on the BSDs.
 */
function familyEtherType(view: DataView, at: number): number {
  const bigEndian = view.getUint32(at);
  const family = bigEndian > 0xffff ? view.getUint32(at, true) : bigEndian;
  switch (family) {
    case 2:
      return ETHERTYPE_IPV4;
    case 10:
    case 24:
    case 28:
    case 30:
      return ETHERTYPE_IPV6;
    default:
      return -1;
  }
}

function versionEtherType(version: number): number {
  if (version === 4) return ETHERTYPE_IPV4;
  return version === 6 ? ETHERTYPE_IPV6 : -1;
}

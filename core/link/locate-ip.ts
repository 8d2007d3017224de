/** hot: locates the IP packet in a frame, by link type (https://www.tcpdump.org/linktypes.html). */
import { CookedType } from '../../codecs/frame-origin.js';
import {
  ETHERNET_DESTINATION_AT,
  ETHERNET_LENGTH,
  ETHERNET_TYPE_AT,
  ETHERTYPE_8021AD,
  ETHERTYPE_8021Q,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_LLDP,
  ETHERTYPE_MIN,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_PPPOE_DISCOVERY,
  ETHERTYPE_PPPOE_SESSION,
  ETHERTYPE_QINQ_OLD,
  LOOPBACK_FAMILY_AT,
  LOOPBACK_LENGTH,
  SLL_LENGTH,
  SLL_PACKET_TYPE_AT,
  SLL_PROTOCOL_AT,
  SLL2_LENGTH,
  SLL2_PACKET_TYPE_AT,
  SLL2_PROTOCOL_AT,
  VLAN_CONTROL_AT,
  VLAN_ID_MASK,
  VLAN_TAG_LENGTH,
  VLAN_TYPE_AT,
} from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { NflogPacket } from '../../codecs/nflog.js';
import { PacketType } from '../packet.js';
import { ETHERTYPE_OTHER, PppHeader, readHdlc, readPpp, readPppoe } from './locate-ppp.js';

/** What precedes the IP packet: a MAC header, a cooked header (SLL), an address family (NULL, LOOP), or nothing. */
export type LinkKind = 'ethernet' | 'cooked' | 'family' | 'raw';

/**
 * Why a frame holds no IPv4 packet for the host:
 * - link-too-short: it ends within its link header or VLAN tag
 * - vlan: tagged with a VLAN ID above 0 (`vlanId`), or with a tag that Linux does not remove (0x9100)
 * - mpls: labelled, whatever is in it
 * - ppp: PPP's own business, such as LCP and authentication, or compressed headers
 * - pppoe: a PPPoE frame on Ethernet; of a session, `etherType` says what a PPP interface would receive
 * - llc: IEEE 802.3 with a length in place of the EtherType
 * - not-ip: anything else; `etherType` says what
 * - unknown-linktype: the link type is not supported
 */
export type LinkSkip =
  | 'arp'
  | 'ipv6'
  | 'lldp'
  | 'llc'
  | 'mpls'
  | 'ppp'
  | 'pppoe'
  | 'vlan'
  | 'not-ip'
  | 'link-too-short'
  | 'unknown-linktype'
  | 'no-interface';

/** The fields of a frame read here. Both `Frame` and capture records have them. */
export interface LinkBytes {
  readonly linktype: number;
  readonly view: DataView;
  /** Offset of the frame in `view`. */
  readonly at: number;
  readonly caplen: number;
  readonly wirelen: number;
}

/** The result of `locateIp`, reused for all frames. */
export class IpLocation {
  /** Offset of the data after the link header. */
  at = 0;
  /** Its captured length and its length on the wire (including padding and frame check sequence). */
  captured = 0;
  onWire = 0;
  /** The EtherType after VLAN tags, or that of the packet's IP version if the link has none; -1 if unknown. */
  etherType = -1;
  linkKind: LinkKind = 'raw';
  /**
   * Ethernet: BROADCAST or MULTICAST for a group address, HOST for any unicast address. Cooked: as recorded by the
   * capturing kernel. HOST if the link has no such information.
   */
  packetType: PacketType = PacketType.HOST;
  /** According to the cooked header, the capturing host sent it (PACKET_OUTGOING). */
  isOutgoing = false;
  /** The ID of the outermost VLAN tag that is not just a priority tag (ID 0); -1 if there is none. */
  vlanId = -1;
  readonly ppp = new PppHeader();
  /** NFLOG: what its header says. */
  readonly nflog = new NflogPacket();
  /** Why the frame has no IPv4 packet for the host; null if it has one. */
  skip: LinkSkip | null = null;
}

/** The I/G bit in the first byte of a MAC address (IEEE 802, clause 8.2). */
const GROUP_BIT = 1;

const AF_INET = 2;
/** AF_INET6 of Linux; of NetBSD and OpenBSD; of FreeBSD; of macOS. */
const AF_INET6: ReadonlySet<number> = new Set([10, 24, 28, 30]);

/**
 * Locates the IPv4 packet in FRAME and stores the result in LOCATION. Returns false and sets `location.skip` if there
 * is none for the host. Does not read the IP header (except for RAW, where only its version identifies it).
 */
export function locateIp(frame: LinkBytes, location: IpLocation): boolean {
  const { at, caplen, view } = frame;
  if (
    frame.linktype === Linktype.ETHERNET &&
    caplen >= ETHERNET_LENGTH &&
    view.getUint16(at + ETHERNET_TYPE_AT) === ETHERTYPE_IPV4
  ) {
    location.at = at + ETHERNET_LENGTH;
    location.captured = caplen - ETHERNET_LENGTH;
    location.onWire = frame.wirelen - ETHERNET_LENGTH;
    location.etherType = ETHERTYPE_IPV4;
    location.linkKind = 'ethernet';
    location.packetType = macType(view, at + ETHERNET_DESTINATION_AT);
    location.isOutgoing = false;
    location.vlanId = -1;
    location.skip = null;
    return true;
  }
  location.skip = locateOther(frame, location);
  return location.skip === null;
}

/** Handles everything except plain IPv4 over Ethernet. */
function locateOther(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  location.vlanId = -1;
  location.etherType = -1;
  location.packetType = PacketType.HOST;
  location.isOutgoing = false;
  locateAfter(frame, location, 0);
  switch (frame.linktype) {
    case Linktype.ETHERNET:
      return locateInEthernet(frame, location);
    case Linktype.LINUX_SLL:
    case Linktype.LINUX_SLL2:
      return locateInCooked(frame, location);
    case Linktype.NULL:
    case Linktype.LOOP:
      return locateInFamily(frame, location);
    case Linktype.RAW:
    case Linktype.RAW_BSD:
    case Linktype.RAW_OPENBSD:
    case Linktype.IPV4:
    case Linktype.IPV6:
      return locateInRaw(frame, location);
    case Linktype.PPP:
    case Linktype.PPP_HDLC:
    case Linktype.PPP_ETHER:
      return locateInPpp(frame, location);
    case Linktype.NFLOG:
      return locateInNflog(frame, location);
    default:
      location.linkKind = 'raw';
      return 'unknown-linktype';
  }
}

function locateInEthernet(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  const { at, view } = frame;
  location.linkKind = 'ethernet';
  if (frame.caplen < ETHERNET_LENGTH) return 'link-too-short';
  location.packetType = macType(view, at + ETHERNET_DESTINATION_AT);
  location.etherType = view.getUint16(at + ETHERNET_TYPE_AT);
  if (location.etherType === ETHERTYPE_PPPOE_SESSION) return locateInSession(frame, location);
  return locateAfterTags(frame, location, ETHERNET_LENGTH);
}

/** Whether LOCATION, of a frame that is skipped, has an IPv4 packet that a PPP interface receives. */
export function isSessionPacket({ skip, etherType }: IpLocation): boolean {
  return skip === 'pppoe' && etherType === ETHERTYPE_IPV4;
}

/** Finds what a PPP interface receives, although the Ethernet interface below it does not. */
function locateInSession(frame: LinkBytes, location: IpLocation): 'pppoe' {
  const { ppp } = location;
  locateAfter(frame, location, ETHERNET_LENGTH);
  if (!readPppoe(frame.view, location.at, location.captured, ppp)) return 'pppoe';
  locateAfter(frame, location, ETHERNET_LENGTH + ppp.length);
  location.etherType = ppp.etherType;
  location.linkKind = 'raw';
  location.packetType = PacketType.HOST;
  return 'pppoe';
}

function locateInCooked(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  const { at, view } = frame;
  const isFirst = frame.linktype === Linktype.LINUX_SLL;
  const length = isFirst ? SLL_LENGTH : SLL2_LENGTH;
  location.linkKind = 'cooked';
  if (frame.caplen < length) return 'link-too-short';
  const type = isFirst ? view.getUint16(at + SLL_PACKET_TYPE_AT) : view.getUint8(at + SLL2_PACKET_TYPE_AT);
  location.packetType = cookedType(type);
  location.isOutgoing = type === CookedType.OUTGOING;
  location.etherType = view.getUint16(at + (isFirst ? SLL_PROTOCOL_AT : SLL2_PROTOCOL_AT));
  return locateAfterTags(frame, location, length);
}

function locateInFamily(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  location.linkKind = 'family';
  if (frame.caplen < LOOPBACK_LENGTH) return 'link-too-short';
  locateAfter(frame, location, LOOPBACK_LENGTH);
  location.etherType = familyEtherType(frame.view, frame.at + LOOPBACK_FAMILY_AT);
  return skipOfEtherType(location.etherType);
}

function locateInRaw(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  location.linkKind = 'raw';
  if (frame.linktype === Linktype.IPV6) {
    location.etherType = ETHERTYPE_IPV6;
    return 'ipv6';
  }
  const isIpv4 = frame.linktype === Linktype.IPV4;
  if (isIpv4) location.etherType = ETHERTYPE_IPV4;
  if (frame.caplen < 1) return 'link-too-short';
  if (!isIpv4) location.etherType = versionEtherType(frame.view.getUint8(frame.at) >> 4);
  return skipOfEtherType(location.etherType);
}

function locateInPpp(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  const { view, at, caplen, linktype } = frame;
  const { ppp } = location;
  location.linkKind = 'raw';
  const read = linktype === Linktype.PPP_ETHER ? readPppoe : linktype === Linktype.PPP ? readPpp : readHdlc;
  if (!read(view, at, caplen, ppp)) return 'link-too-short';
  locateAfter(frame, location, ppp.length);
  location.etherType = ppp.etherType;
  return ppp.etherType === ETHERTYPE_OTHER ? 'ppp' : skipOfEtherType(ppp.etherType);
}

/** The packet as it was at the rule that logged it. */
function locateInNflog(frame: LinkBytes, location: IpLocation): LinkSkip | null {
  const { nflog } = location;
  location.linkKind = 'raw';
  if (!nflog.read(frame.view, frame.at, frame.caplen)) return 'link-too-short';
  const headerLength = nflog.payloadAt - frame.at;
  location.at = nflog.payloadAt;
  location.captured = nflog.payloadBytes;
  location.onWire = frame.wirelen - headerLength;
  location.etherType = nflog.family === AF_INET ? ETHERTYPE_IPV4 : AF_INET6.has(nflog.family) ? ETHERTYPE_IPV6 : -1;
  return skipOfEtherType(location.etherType);
}

function locateAfter(frame: LinkBytes, location: IpLocation, headerLength: number): void {
  location.at = frame.at + headerLength;
  location.captured = frame.caplen - headerLength;
  location.onWire = frame.wirelen - headerLength;
}

/**
 * Removes priority tags, as Linux does even without a VLAN interface (vlan_do_receive), and the first tag with an ID,
 * to find what that VLAN interface would receive.
 */
function locateAfterTags(frame: LinkBytes, location: IpLocation, headerLength: number): LinkSkip | null {
  let length = headerLength;
  while (isVlanTag(location.etherType)) {
    if (frame.caplen < length + VLAN_TAG_LENGTH) {
      locateAfter(frame, location, length);
      return 'link-too-short';
    }
    const tagAt = frame.at + length;
    const vlanId = frame.view.getUint16(tagAt + VLAN_CONTROL_AT) & VLAN_ID_MASK;
    // Linux does not support tag 0x9100, not even for priority tags.
    const isRemoved = vlanId === 0 && location.etherType !== ETHERTYPE_QINQ_OLD;
    location.etherType = frame.view.getUint16(tagAt + VLAN_TYPE_AT);
    length += VLAN_TAG_LENGTH;
    if (!isRemoved) {
      location.vlanId = vlanId;
      locateAfter(frame, location, length);
      return 'vlan';
    }
  }
  locateAfter(frame, location, length);
  return skipOfEtherType(location.etherType);
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
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return 'mpls';
    case ETHERTYPE_PPPOE_DISCOVERY:
    case ETHERTYPE_PPPOE_SESSION:
      return 'pppoe';
    default:
      return etherType >= 0 && etherType < ETHERTYPE_MIN ? 'llc' : 'not-ip';
  }
}

/** How a frame to the MAC address at AT is addressed. Every unicast address is treated as the host's. */
function macType(view: DataView, at: number): PacketType {
  if ((view.getUint8(at) & GROUP_BIT) === 0) return PacketType.HOST;
  const isBroadcast = view.getUint32(at) === 0xffffffff && view.getUint16(at + 4) === 0xffff;
  return isBroadcast ? PacketType.BROADCAST : PacketType.MULTICAST;
}

/** The packet type in a cooked header. Unknown types and outgoing count as addressed to the host. */
function cookedType(type: number): PacketType {
  switch (type) {
    case PacketType.BROADCAST:
    case PacketType.MULTICAST:
    case PacketType.OTHERHOST:
      return type;
    default:
      return PacketType.HOST;
  }
}

/**
 * The EtherType for the address family at AT; -1 if it is neither IPv4 nor IPv6. NULL stores the family in the byte
 * order of the capturing machine, LOOP in network order.
 */
function familyEtherType(view: DataView, at: number): number {
  const bigEndian = view.getUint32(at);
  const family = bigEndian > 0xffff ? view.getUint32(at, true) : bigEndian;
  if (family === AF_INET) return ETHERTYPE_IPV4;
  return AF_INET6.has(family) ? ETHERTYPE_IPV6 : -1;
}

function versionEtherType(version: number): number {
  if (version === 4) return ETHERTYPE_IPV4;
  return version === 6 ? ETHERTYPE_IPV6 : -1;
}

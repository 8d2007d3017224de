/**
 * All protocol headers, each declared once. Everything that reads or writes a header takes its offsets from here: hot
 * code uses the `…_AT` constants (plain numbers, computed from the layouts when this module loads), cold code
 * (explanations, the packet builder of the tests) `layout.decode` and `layout.encode`.
 *
 * Offsets are in bytes from the start of the header; all fields are in network byte order.
 */
import { createRequire } from 'node:module';
import type * as BufferLayout from 'buffer-layout';

export * from './assigned-numbers.js';

// The package is CommonJS and large: `import` would scan all of it for export names, which takes 20 ms at every start.
const require = createRequire(import.meta.url);
const { blob, struct, u8, u16be, u32, u32be }: typeof BufferLayout = require('buffer-layout');
type Layout<T> = BufferLayout.Layout<T>;
type Structure<T> = BufferLayout.Structure<T>;

export interface EthernetHeader {
  destination: Uint8Array;
  source: Uint8Array;
  etherType: number;
}

/** IEEE 802.3, clause 3.1.1, with the length field read as an EtherType. */
export const ethernet = struct<EthernetHeader>([blob(6, 'destination'), blob(6, 'source'), u16be('etherType')]);

export interface VlanTag {
  /** Priority (3 bits), drop eligible (1 bit), VLAN ID (12 bits). */
  control: number;
  etherType: number;
}

/** IEEE 802.1Q, clause 9.6: what follows the tag's own EtherType. */
export const vlanTag = struct<VlanTag>([u16be('control'), u16be('etherType')]);

export interface SllHeader {
  packetType: number;
  /** ARPHRD_ of linux/if_arp.h. */
  hardwareType: number;
  addressLength: number;
  address: Uint8Array;
  /** An EtherType. */
  protocol: number;
}

/** Linux cooked capture (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html). */
export const sll = struct<SllHeader>([
  u16be('packetType'),
  u16be('hardwareType'),
  u16be('addressLength'),
  blob(8, 'address'),
  u16be('protocol'),
]);

export interface Sll2Header {
  /** An EtherType. */
  protocol: number;
  reserved: number;
  interfaceIndex: number;
  /** ARPHRD_ of linux/if_arp.h. */
  hardwareType: number;
  packetType: number;
  addressLength: number;
  address: Uint8Array;
}

/** Linux cooked capture, version 2 (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html). */
export const sll2 = struct<Sll2Header>([
  u16be('protocol'),
  u16be('reserved'),
  u32be('interfaceIndex'),
  u16be('hardwareType'),
  u8('packetType'),
  u8('addressLength'),
  blob(8, 'address'),
]);

export interface LoopbackHeader {
  /** An address family, AF_. */
  family: number;
}

/**
 * BSD loopback (https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html); in LINKTYPE_NULL, in the byte order of the
 * capturing machine.
 */
export const loopback = struct<LoopbackHeader>([u32be('family')]);

export interface Ipv4Header {
  /** Version (4 bits) and header length in 32-bit words (4 bits). */
  versionIhl: number;
  tos: number;
  totalLength: number;
  id: number;
  /** Reserved, DF, MF (3 bits) and the offset in 8-byte units (13 bits). */
  fragment: number;
  ttl: number;
  protocol: number;
  checksum: number;
  source: number;
  destination: number;
}

/** RFC 791, section 3.1, without options. */
export const ipv4 = struct<Ipv4Header>([
  u8('versionIhl'),
  u8('tos'),
  u16be('totalLength'),
  u16be('id'),
  u16be('fragment'),
  u8('ttl'),
  u8('protocol'),
  u16be('checksum'),
  u32be('source'),
  u32be('destination'),
]);

export interface TcpHeader {
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgment: number;
  /** Header length in 32-bit words (upper 4 bits), reserved. */
  dataOffset: number;
  flags: number;
  window: number;
  checksum: number;
  urgent: number;
}

/** RFC 9293, section 3.1, without options. */
export const tcp = struct<TcpHeader>([
  u16be('sourcePort'),
  u16be('destinationPort'),
  u32be('sequence'),
  u32be('acknowledgment'),
  u8('dataOffset'),
  u8('flags'),
  u16be('window'),
  u16be('checksum'),
  u16be('urgent'),
]);

export interface UdpHeader {
  sourcePort: number;
  destinationPort: number;
  length: number;
  checksum: number;
}

/** RFC 768. */
export const udp = struct<UdpHeader>([
  u16be('sourcePort'),
  u16be('destinationPort'),
  u16be('length'),
  u16be('checksum'),
]);

export interface IcmpHeader {
  type: number;
  code: number;
  checksum: number;
  /** Queries: identifier. */
  id: number;
  /** Queries: sequence number. Fragmentation needed (3/4): the next hop's MTU (RFC 1191, section 4). */
  sequence: number;
}

/** RFC 792. */
export const icmp = struct<IcmpHeader>([u8('type'), u8('code'), u16be('checksum'), u16be('id'), u16be('sequence')]);

export interface SctpHeader {
  sourcePort: number;
  destinationPort: number;
  tag: number;
  /** The only field in little-endian order. */
  checksum: number;
}

/** The common header: RFC 9260, section 3.1. */
export const sctp = struct<SctpHeader>([u16be('sourcePort'), u16be('destinationPort'), u32be('tag'), u32('checksum')]);

export interface SctpChunkHeader {
  type: number;
  flags: number;
  /** Length of the chunk including this header, without padding. */
  length: number;
}

/** RFC 9260, section 3.2. */
export const sctpChunk = struct<SctpChunkHeader>([u8('type'), u8('flags'), u16be('length')]);

export interface SctpInit extends SctpChunkHeader {
  initiateTag: number;
  window: number;
  outboundStreams: number;
  inboundStreams: number;
  sequence: number;
}

/** INIT and INIT ACK: RFC 9260, sections 3.3.2 and 3.3.3, without parameters. */
export const sctpInit = struct<SctpInit>([
  u8('type'),
  u8('flags'),
  u16be('length'),
  u32be('initiateTag'),
  u32be('window'),
  u16be('outboundStreams'),
  u16be('inboundStreams'),
  u32be('sequence'),
]);

export interface PptpGreHeader {
  flags: number;
  protocol: number;
  payloadLength: number;
  callId: number;
}

/** Enhanced GRE: RFC 2637, section 4.1, without the optional fields. */
export const pptpGre = struct<PptpGreHeader>([
  u16be('flags'),
  u16be('protocol'),
  u16be('payloadLength'),
  u16be('callId'),
]);

export interface DccpHeader {
  sourcePort: number;
  destinationPort: number;
  /** The offset of the data, in words of 4 bytes. */
  dataOffset: number;
  ccvalCoverage: number;
  checksum: number;
  /** Type in bits 1–4; bit 0 (X): the sequence number has four more bytes. */
  type: number;
  sequenceHigh: number;
  sequence: number;
}

/** The generic header: RFC 4340, section 5.1, with a short sequence number. */
export const dccp = struct<DccpHeader>([
  u16be('sourcePort'),
  u16be('destinationPort'),
  u8('dataOffset'),
  u8('ccvalCoverage'),
  u16be('checksum'),
  u8('type'),
  u8('sequenceHigh'),
  u16be('sequence'),
]);

export interface AhHeader {
  nextHeader: number;
  payloadLength: number;
  reserved: number;
  spi: number;
  sequence: number;
}

/** The authentication header: RFC 4302, section 2, without the check value. */
export const ah = struct<AhHeader>([
  u8('nextHeader'),
  u8('payloadLength'),
  u16be('reserved'),
  u32be('spi'),
  u32be('sequence'),
]);

export interface EspHeader {
  spi: number;
  sequence: number;
}

/** The encapsulating security payload: RFC 4303, section 2. */
export const esp = struct<EspHeader>([u32be('spi'), u32be('sequence')]);

export interface IpcompHeader {
  nextHeader: number;
  flags: number;
  /** The compression parameter index. */
  cpi: number;
}

/** IP payload compression: RFC 3173, section 3.3. */
export const ipcomp = struct<IpcompHeader>([u8('nextHeader'), u8('flags'), u16be('cpi')]);

/** The offset of PROPERTY in LAYOUT, in bytes. Throws if the layout has no such field. */
export function offsetOf<T>(layout: Structure<T> | Layout<T>, property: keyof T & string): number {
  const offset = (layout as Structure<T>).offsetOf(property);
  if (offset === undefined) throw new Error(`the layout has no field ${property}`);
  return offset;
}

export const ETHERNET_LENGTH = ethernet.span;
export const ETHERNET_DESTINATION_AT = offsetOf(ethernet, 'destination');
export const ETHERNET_SOURCE_AT = offsetOf(ethernet, 'source');
export const ETHERNET_TYPE_AT = offsetOf(ethernet, 'etherType');

export const VLAN_TAG_LENGTH = vlanTag.span;
export const VLAN_CONTROL_AT = offsetOf(vlanTag, 'control');
export const VLAN_TYPE_AT = offsetOf(vlanTag, 'etherType');
export const VLAN_ID_MASK = 0x0fff;

export const SLL_LENGTH = sll.span;
export const SLL_PACKET_TYPE_AT = offsetOf(sll, 'packetType');
export const SLL_ADDRESS_LENGTH_AT = offsetOf(sll, 'addressLength');
export const SLL_ADDRESS_AT = offsetOf(sll, 'address');
export const SLL_PROTOCOL_AT = offsetOf(sll, 'protocol');

export const SLL2_LENGTH = sll2.span;
export const SLL2_INTERFACE_INDEX_AT = offsetOf(sll2, 'interfaceIndex');
export const SLL2_PACKET_TYPE_AT = offsetOf(sll2, 'packetType');
export const SLL2_ADDRESS_LENGTH_AT = offsetOf(sll2, 'addressLength');
export const SLL2_ADDRESS_AT = offsetOf(sll2, 'address');
export const SLL2_PROTOCOL_AT = offsetOf(sll2, 'protocol');

export const LOOPBACK_LENGTH = loopback.span;
export const LOOPBACK_FAMILY_AT = offsetOf(loopback, 'family');

export const IPV4_LENGTH = ipv4.span;
export const IPV4_VERSION_IHL_AT = offsetOf(ipv4, 'versionIhl');
export const IPV4_TOS_AT = offsetOf(ipv4, 'tos');
export const IPV4_TOTAL_LENGTH_AT = offsetOf(ipv4, 'totalLength');
export const IPV4_ID_AT = offsetOf(ipv4, 'id');
export const IPV4_FRAGMENT_AT = offsetOf(ipv4, 'fragment');
export const IPV4_TTL_AT = offsetOf(ipv4, 'ttl');
export const IPV4_PROTOCOL_AT = offsetOf(ipv4, 'protocol');
export const IPV4_CHECKSUM_AT = offsetOf(ipv4, 'checksum');
export const IPV4_SOURCE_AT = offsetOf(ipv4, 'source');
export const IPV4_DESTINATION_AT = offsetOf(ipv4, 'destination');

/** TCP, UDP, UDP-Lite, SCTP and DCCP all start with their ports. */
export const SOURCE_PORT_AT = offsetOf(udp, 'sourcePort');
export const DESTINATION_PORT_AT = offsetOf(udp, 'destinationPort');
export const PORTS_LENGTH = 4;

export const TCP_LENGTH = tcp.span;
export const TCP_SOURCE_PORT_AT = offsetOf(tcp, 'sourcePort');
export const TCP_DESTINATION_PORT_AT = offsetOf(tcp, 'destinationPort');
export const TCP_SEQUENCE_AT = offsetOf(tcp, 'sequence');
export const TCP_ACKNOWLEDGMENT_AT = offsetOf(tcp, 'acknowledgment');
export const TCP_DATA_OFFSET_AT = offsetOf(tcp, 'dataOffset');
export const TCP_FLAGS_AT = offsetOf(tcp, 'flags');
export const TCP_WINDOW_AT = offsetOf(tcp, 'window');
export const TCP_CHECKSUM_AT = offsetOf(tcp, 'checksum');
export const TCP_URGENT_AT = offsetOf(tcp, 'urgent');

export const UDP_LENGTH = udp.span;
export const UDP_LENGTH_AT = offsetOf(udp, 'length');
export const UDP_CHECKSUM_AT = offsetOf(udp, 'checksum');

export const ICMP_LENGTH = icmp.span;
export const ICMP_TYPE_AT = offsetOf(icmp, 'type');
export const ICMP_CODE_AT = offsetOf(icmp, 'code');
export const ICMP_CHECKSUM_AT = offsetOf(icmp, 'checksum');
export const ICMP_ID_AT = offsetOf(icmp, 'id');
export const ICMP_SEQUENCE_AT = offsetOf(icmp, 'sequence');

export const SCTP_LENGTH = sctp.span;
export const SCTP_TAG_AT = offsetOf(sctp, 'tag');
export const SCTP_CHECKSUM_AT = offsetOf(sctp, 'checksum');
export const SCTP_CHUNK_LENGTH = sctpChunk.span;
export const SCTP_CHUNK_FLAGS_AT = offsetOf(sctpChunk, 'flags');
export const SCTP_CHUNK_LENGTH_AT = offsetOf(sctpChunk, 'length');
export const SCTP_INIT_LENGTH = sctpInit.span;
export const SCTP_INIT_TAG_AT = offsetOf(sctpInit, 'initiateTag');

export const DCCP_LENGTH = dccp.span;
export const DCCP_DATA_OFFSET_AT = offsetOf(dccp, 'dataOffset');
export const DCCP_TYPE_AT = offsetOf(dccp, 'type');

export const AH_LENGTH = ah.span;
export const AH_SPI_AT = offsetOf(ah, 'spi');

export const ESP_LENGTH = esp.span;
export const ESP_SPI_AT = offsetOf(esp, 'spi');

export const IPCOMP_LENGTH = ipcomp.span;
export const IPCOMP_CPI_AT = offsetOf(ipcomp, 'cpi');

export const GRE_LENGTH = pptpGre.span;
export const GRE_PROTOCOL_AT = offsetOf(pptpGre, 'protocol');
export const GRE_CALL_ID_AT = offsetOf(pptpGre, 'callId');
/** The version, in the flags. */
export const GRE_VERSION_MASK = 0x0007;

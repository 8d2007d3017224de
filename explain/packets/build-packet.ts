/** IPv4 packets out of their fields, with all lengths and checksums. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import { crc32cStep } from '../../codecs/crc32c.js';
import {
  ah,
  dccp,
  esp,
  ICMP_CHECKSUM_AT,
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_CHECKSUM_AT,
  IPV4_DF,
  IPV4_LENGTH,
  icmp,
  ipv4,
  SCTP_CHECKSUM_AT,
  sctp,
  sctpInit,
  TCP_ACK,
  TCP_CHECKSUM_AT,
  TCP_RST,
  TCP_SYN,
  tcp,
  UDP_CHECKSUM_AT,
  udp,
} from '../../codecs/layouts.js';

/** Addresses and ports are in host order. What a protocol has no place for is left out of its packets. */
export interface PacketSpec {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly ttl: number;
  readonly id: number;
  readonly sport: number;
  readonly dport: number;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly icmp: { readonly type: number; readonly code: number };
  /** Of ICMP: the identifier and sequence number of a query, or what an error has in their place. */
  readonly query: { readonly id: number; readonly sequence: number };
  /** What follows the header of layer 4, its options included. */
  readonly data: Uint8Array;
}

const WINDOW = 64_240;
const SCTP_INIT = 1;
const DCCP_REQUEST = 0;
const DCCP_HEADER_BYTES = 20;
/** Of no protocol, as keepalives have it. */
const GRE_HEADER = new Uint8Array(4);
/** Of an authentication header without a check value (RFC 4302, section 2.2): its words less 2. */
const AH_LENGTH_FIELD = 1;
const IPPROTO_NONE = 59;

/** MSS 1460, SACK permitted, time stamps, a window scale of 7: as Linux sends with a SYN. */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7);
/** Time stamps. */
const LATER_OPTIONS = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1);
const NO_BYTES = new Uint8Array(0);

/** The packet with what SPEC says. OPTIONS: of TCP, in whole words; default: as Linux sends. */
export function buildPacket(spec: PacketSpec, options = tcpOptions(spec)): Uint8Array {
  const payload = join(layer4(spec, options), spec.data);
  const packet = Buffer.alloc(IPV4_LENGTH + payload.length);
  ipv4.encode(
    {
      versionIhl: 0x45,
      tos: 0,
      totalLength: packet.length,
      id: spec.id,
      fragment: IPV4_DF,
      ttl: spec.ttl,
      protocol: spec.protocol,
      checksum: 0,
      source: spec.source,
      destination: spec.destination,
    },
    packet,
  );
  packet.set(payload, IPV4_LENGTH);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  view.setUint16(IPV4_CHECKSUM_AT, internetChecksum(view, 0, IPV4_LENGTH));
  finishChecksum(view, spec.protocol);
  return packet;
}

/** How many bytes of a packet come before its data. */
export function headerBytes(spec: PacketSpec, options = tcpOptions(spec)): number {
  return IPV4_LENGTH + layer4(spec, options).length;
}

/** The options of a segment with these flags, as Linux sends them. */
export function tcpOptions({ protocol, flags }: Pick<PacketSpec, 'protocol' | 'flags'>): Uint8Array {
  if (protocol !== IPPROTO_TCP || (flags & TCP_RST) !== 0) return NO_BYTES;
  if ((flags & TCP_SYN) !== 0) return SYN_OPTIONS;
  return (flags & TCP_ACK) === 0 ? NO_BYTES : LATER_OPTIONS;
}

/** The header of layer 4, without its checksum. */
function layer4(spec: PacketSpec, options: Uint8Array): Uint8Array {
  const { sport: sourcePort, dport: destinationPort } = spec;
  switch (spec.protocol) {
    case IPPROTO_TCP:
      return tcpHeader(spec, options);
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      // Of UDP-Lite, the length is how much the checksum covers: all of it.
      return encoded(udp, { sourcePort, destinationPort, length: udp.span + spec.data.length, checksum: 0 });
    case IPPROTO_ICMP:
      return encoded(icmp, { ...spec.icmp, checksum: 0, ...spec.query });
    case IPPROTO_SCTP:
      return sctpHeader(spec);
    case IPPROTO_DCCP:
      return dccpHeader(spec);
    case IPPROTO_GRE:
      return GRE_HEADER;
    case IPPROTO_ESP:
      return encoded(esp, { spi: 0x1000, sequence: 1 });
    case IPPROTO_AH:
      return encoded(ah, {
        nextHeader: IPPROTO_NONE,
        payloadLength: AH_LENGTH_FIELD,
        reserved: 0,
        spi: 0x1000,
        sequence: 1,
      });
    default:
      return NO_BYTES;
  }
}

function tcpHeader(spec: PacketSpec, options: Uint8Array): Uint8Array {
  const header = {
    sourcePort: spec.sport,
    destinationPort: spec.dport,
    sequence: spec.sequence,
    acknowledgment: spec.acknowledgment,
    dataOffset: ((tcp.span + options.length) / 4) << 4,
    flags: spec.flags,
    window: (spec.flags & TCP_RST) === 0 ? WINDOW : 0,
    checksum: 0,
    urgent: 0,
  };
  return join(encoded(tcp, header), options);
}

/** An INIT. */
function sctpHeader({ sport, dport, data }: PacketSpec): Uint8Array {
  const init = {
    type: SCTP_INIT,
    flags: 0,
    length: sctpInit.span + data.length,
    initiateTag: 1,
    window: 106_496,
    outboundStreams: 10,
    inboundStreams: 10,
    sequence: 1,
  };
  return join(
    encoded(sctp, { sourcePort: sport, destinationPort: dport, tag: 0, checksum: 0 }),
    encoded(sctpInit, init),
  );
}

/** A request, with its service code of 0 (RFC 4340, section 5.2). */
function dccpHeader({ sport, dport }: PacketSpec): Uint8Array {
  const header = Buffer.alloc(DCCP_HEADER_BYTES);
  dccp.encode(
    {
      sourcePort: sport,
      destinationPort: dport,
      dataOffset: DCCP_HEADER_BYTES / 4,
      ccvalCoverage: 0,
      checksum: 0,
      // The sequence number has 48 bits.
      type: (DCCP_REQUEST << 1) | 1,
      sequenceHigh: 0,
      sequence: 0,
    },
    header,
  );
  return header;
}

const CHECKSUM_AT: ReadonlyMap<number, number> = new Map([
  [IPPROTO_TCP, TCP_CHECKSUM_AT],
  [IPPROTO_UDP, UDP_CHECKSUM_AT],
  [IPPROTO_UDPLITE, UDP_CHECKSUM_AT],
  [IPPROTO_DCCP, 6],
]);

/** Fills in the checksum of layer 4 of the packet in VIEW, which has no IP options. */
function finishChecksum(view: DataView, protocol: number): void {
  const at = IPV4_LENGTH;
  const length = view.byteLength - at;
  const checksumAt = CHECKSUM_AT.get(protocol);
  if (checksumAt !== undefined) {
    const checksum = internetChecksum(view, at, length, pseudoHeaderSum(view, 0, protocol, length));
    // In UDP, 0 says that there is no checksum.
    view.setUint16(at + checksumAt, checksum === 0 ? 0xffff : checksum);
  } else if (protocol === IPPROTO_ICMP) {
    view.setUint16(at + ICMP_CHECKSUM_AT, internetChecksum(view, at, length));
  } else if (protocol === IPPROTO_SCTP) {
    view.setUint32(at + SCTP_CHECKSUM_AT, ~crc32cStep(view, at, length, -1), true);
  }
}

interface Encoder<T> {
  readonly span: number;
  encode(value: T, into: Buffer): number;
}

function encoded<T>(layout: Encoder<T>, value: T): Uint8Array {
  const bytes = Buffer.alloc(layout.span);
  layout.encode(value, bytes);
  return bytes;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

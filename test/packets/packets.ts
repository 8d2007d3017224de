/** Builds packets and frames for tests: correct in every field by default, wrong only on request. */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  ETHERTYPE_IPV4,
  ethernet,
  ICMP_CHECKSUM_AT,
  ICMP_LENGTH,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_CHECKSUM_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_TOTAL_LENGTH_AT,
  icmp,
  ipv4,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
  tcp,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  udp,
} from '../../codecs/layouts.js';
import { parseIpv4 } from '../kernel/address.js';

/** Dotted, or a number in host order. */
export type Ipv4Address = string | number;

export interface Ipv4Fields {
  source: Ipv4Address;
  destination: Ipv4Address;
  protocol: number;
  ttl?: number;
  tos?: number;
  /** Not 0 by default: the kernel assigns an ID to a locally sent packet without DF. */
  id?: number;
  /** DF (0x4000), MF (0x2000) and the offset in 8-byte units. */
  fragment?: number;
  /** Padded with end-of-list to whole words. */
  options?: Uint8Array;
  /** What the header claims instead of the truth. */
  totalLength?: number;
  headerWords?: number;
  version?: number;
  /** Added to the correct checksum. */
  checksumError?: number;
}

/** An IP packet with PAYLOAD after its header. */
export function buildIpv4(fields: Ipv4Fields, payload: Uint8Array): Buffer {
  const options = padded(fields.options ?? new Uint8Array(0));
  const headerLength = IPV4_LENGTH + options.length;
  const packet = Buffer.alloc(headerLength + payload.length);
  ipv4.encode(
    {
      versionIhl: ((fields.version ?? 4) << 4) | (fields.headerWords ?? headerLength / 4),
      tos: fields.tos ?? 0,
      totalLength: fields.totalLength ?? packet.length,
      id: fields.id ?? 1,
      fragment: fields.fragment ?? 0,
      ttl: fields.ttl ?? 64,
      protocol: fields.protocol,
      checksum: 0,
      source: addressNumber(fields.source),
      destination: addressNumber(fields.destination),
    },
    packet,
  );
  packet.set(options, IPV4_LENGTH);
  packet.set(payload, headerLength);
  const checksum = internetChecksum(viewOf(packet), 0, headerLength);
  packet.writeUInt16BE((checksum + (fields.checksumError ?? 0)) & 0xffff, IPV4_CHECKSUM_AT);
  return packet;
}

export interface TcpFields {
  sport: number;
  dport: number;
  sequence?: number;
  acknowledgment?: number;
  flags: number;
  window?: number;
  /** Padded with end-of-list to whole words. */
  options?: Uint8Array;
  data?: Uint8Array;
  dataOffsetWords?: number;
  urgent?: number;
}

/** A TCP segment without its checksum, which needs the addresses: see `withChecksum`. */
export function buildTcp(fields: TcpFields): Buffer {
  const options = padded(fields.options ?? new Uint8Array(0));
  const data = fields.data ?? new Uint8Array(0);
  const headerLength = TCP_LENGTH + options.length;
  const segment = Buffer.alloc(headerLength + data.length);
  tcp.encode(
    {
      sourcePort: fields.sport,
      destinationPort: fields.dport,
      sequence: (fields.sequence ?? 0) >>> 0,
      acknowledgment: (fields.acknowledgment ?? 0) >>> 0,
      dataOffset: (fields.dataOffsetWords ?? headerLength / 4) << 4,
      flags: fields.flags,
      window: fields.window ?? 65_535,
      checksum: 0,
      urgent: fields.urgent ?? 0,
    },
    segment,
  );
  segment.set(options, TCP_LENGTH);
  segment.set(data, headerLength);
  return segment;
}

/** A UDP datagram without its checksum; LENGTH: what its header claims. */
export function buildUdp(sport: number, dport: number, data: Uint8Array, length = UDP_LENGTH + data.length): Buffer {
  const datagram = Buffer.alloc(UDP_LENGTH + data.length);
  udp.encode({ sourcePort: sport, destinationPort: dport, length, checksum: 0 }, datagram);
  datagram.set(data, UDP_LENGTH);
  return datagram;
}

/** An ICMP message with its checksum. The second word: id and sequence of a query, MTU of a 3/4 … */
export function buildIcmp(
  type: number,
  code: number,
  id: number,
  sequence: number,
  data: Uint8Array,
  checksumError = 0,
): Buffer {
  const message = Buffer.alloc(ICMP_LENGTH + data.length);
  icmp.encode({ type, code, checksum: 0, id, sequence }, message);
  message.set(data, ICMP_LENGTH);
  const checksum = internetChecksum(viewOf(message), 0, message.length);
  message.writeUInt16BE((checksum + checksumError) & 0xffff, ICMP_CHECKSUM_AT);
  return message;
}

/** What an IPv4 header has besides its protocol. */
export type IpFields = Omit<Ipv4Fields, 'protocol'>;

/** A TCP segment in IPv4. */
export function tcpPacket(fields: IpFields & Omit<TcpFields, 'options'> & { tcpOptions?: Uint8Array }): Buffer {
  const segment = buildTcp({ ...fields, options: fields.tcpOptions ?? new Uint8Array(0) });
  return withChecksum(buildIpv4({ ...fields, protocol: IPPROTO_TCP }, segment));
}

/** A UDP datagram in IPv4. */
export function udpPacket(fields: IpFields & { sport: number; dport: number; data?: Uint8Array }): Buffer {
  const datagram = buildUdp(fields.sport, fields.dport, fields.data ?? new Uint8Array(0));
  return withChecksum(buildIpv4({ ...fields, protocol: IPPROTO_UDP }, datagram));
}

const CHECKSUM_AT: Record<number, number> = {
  [IPPROTO_TCP]: TCP_CHECKSUM_AT,
  [IPPROTO_UDP]: UDP_CHECKSUM_AT,
  [IPPROTO_UDPLITE]: UDP_CHECKSUM_AT,
};

/**
 * PACKET (whole, unfragmented) with the checksum of its TCP, UDP or UDP-Lite header filled in, off by ERROR.
 * PSEUDO_PROTOCOL is the number in the pseudo header: Linux's conntrack expects UDP's of UDP-Lite, too.
 */
export function withChecksum(packet: Buffer, error = 0, pseudoProtocol = packet[IPV4_PROTOCOL_AT]): Buffer {
  const l4 = (packet[0] & 15) * 4;
  const at = l4 + CHECKSUM_AT[packet[IPV4_PROTOCOL_AT]];
  if (at + 2 > packet.length) return packet;
  packet.writeUInt16BE(0, at);
  const length = packet.length - l4;
  const sum = pseudoHeaderSum(viewOf(packet), 0, pseudoProtocol, length);
  const checksum = (internetChecksum(viewOf(packet), l4, length, sum) + error) & 0xffff;
  packet.writeUInt16BE(checksum === 0 ? 0xffff : checksum, at);
  return packet;
}

/** Without its frame check sequence. */
const SHORTEST_FRAME = 60;

/** PACKET in an Ethernet frame, padded to 60 bytes if asked. */
export function buildFrame(destination: Uint8Array, source: Uint8Array, packet: Uint8Array, pad = false): Buffer {
  const length = ETHERNET_LENGTH + packet.length;
  const frame = Buffer.alloc(pad ? Math.max(length, SHORTEST_FRAME) : length);
  ethernet.encode(
    { destination: Buffer.from(destination), source: Buffer.from(source), etherType: ETHERTYPE_IPV4 },
    frame,
  );
  frame.set(packet, ETHERNET_LENGTH);
  return frame;
}

/** PACKET cut into fragments that each carry up to SIZES bytes in turn (multiples of 8 but for the last one). */
export function fragmentsOf(packet: Buffer, sizes: readonly number[]): Buffer[] {
  const headerLength = (packet[0] & 15) * 4;
  const payload = packet.subarray(headerLength);
  const fragments: Buffer[] = [];
  for (let at = 0, i = 0; at < payload.length; i++) {
    const size = Math.min(sizes[Math.min(i, sizes.length - 1)], payload.length - at);
    fragments.push(fragmentOf(packet, at, size, at + size < payload.length));
    at += size;
  }
  return fragments;
}

/** One fragment of PACKET: SIZE bytes of its payload from AT (a multiple of 8) on. */
export function fragmentOf(packet: Buffer, at: number, size: number, more: boolean): Buffer {
  const headerLength = (packet[0] & 15) * 4;
  const fragment = Buffer.concat([
    packet.subarray(0, headerLength),
    packet.subarray(headerLength + at, headerLength + at + size),
  ]);
  fragment.writeUInt16BE(fragment.length, IPV4_TOTAL_LENGTH_AT);
  const flags = packet.readUInt16BE(IPV4_FRAGMENT_AT) & ~(IPV4_MF | IPV4_OFFSET_MASK);
  fragment.writeUInt16BE(flags | (more ? IPV4_MF : 0) | (at >> 3), IPV4_FRAGMENT_AT);
  return withHeaderChecksum(fragment);
}

/** PACKET with the checksum of its IP header corrected. */
export function withHeaderChecksum(packet: Buffer): Buffer {
  packet.writeUInt16BE(0, IPV4_CHECKSUM_AT);
  packet.writeUInt16BE(internetChecksum(viewOf(packet), 0, (packet[0] & 15) * 4), IPV4_CHECKSUM_AT);
  return packet;
}

/** ADDRESS in host order. */
function addressNumber(address: Ipv4Address): number {
  return typeof address === 'number' ? address : parseIpv4(address);
}

function padded(options: Uint8Array): Uint8Array {
  const whole = new Uint8Array((options.length + 3) & ~3);
  whole.set(options);
  return whole;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

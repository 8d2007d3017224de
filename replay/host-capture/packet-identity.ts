/** What identifies a packet before and after a host: what forwarding and NAT leave as it is. */
import { fold, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  ICMP_CODE_AT,
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  ICMP_SEQUENCE_AT,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../../codecs/layouts.js';

/** The bytes of an IPv4 packet: it starts at AT of VIEW, and AVAILABLE of its LENGTH bytes are present. */
export interface PacketBytes {
  readonly view: DataView;
  readonly at: number;
  readonly available: number;
  readonly length: number;
}

/** How much of a payload identifies it. */
const HASHED_BYTES = 64;
const PRECEDENCE_MASK = 0xe0;
/** The precedence of the ICMP errors that Linux makes (RFC 1812, section 4.3.2.5). */
const PRECEDENCE_INTERNETCONTROL = 0xc0;

/**
 * A key for PACKET that stays the same when a host forwards and translates it; other packets of the same time have
 * others. An ICMP error is known by the packet that it quotes.
 */
export function identityOf({ view, at, available, length }: PacketBytes): string {
  if (available < IPV4_LENGTH) return `short ${available}`;
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const id = view.getUint16(at + IPV4_ID_AT);
  const fragment = view.getUint16(at + IPV4_FRAGMENT_AT) & (IPV4_MF | IPV4_OFFSET_MASK);
  if (fragment !== 0) return `fragment ${protocol} ${id} ${fragment} ${length}`;
  const headerLength = (view.getUint8(at) & 15) << 2;
  const l4 = at + headerLength;
  const left = available - headerLength;
  if (protocol === IPPROTO_TCP && left >= TCP_LENGTH) {
    const [sequence, acknowledgment] = [
      view.getUint32(l4 + TCP_SEQUENCE_AT),
      view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT),
    ];
    return `tcp ${id} ${sequence} ${acknowledgment} ${view.getUint8(l4 + TCP_FLAGS_AT)} ${length}`;
  }
  if (protocol === IPPROTO_ICMP && left >= ICMP_LENGTH) {
    const type = view.getUint8(l4 + ICMP_TYPE_AT);
    const head = `icmp ${type} ${view.getUint8(l4 + ICMP_CODE_AT)}`;
    const [dataAt, data] = [l4 + ICMP_LENGTH, left - ICMP_LENGTH];
    if (ICMP_ERROR_TYPES.includes(type)) return `${head} ${quotedIdentity(view, dataAt, data)}`;
    return `${head} ${id} ${view.getUint16(l4 + ICMP_SEQUENCE_AT)} ${length} ${hash(view, dataAt, data)}`;
  }
  const header = protocol === IPPROTO_UDP ? UDP_LENGTH : 4;
  return `${protocol} ${id} ${length} ${hash(view, l4 + header, left - header)}`;
}

/** The identity of the packet that the ICMP error PACKET quotes; undefined if it is no error. */
export function quotedBy(packet: PacketBytes): string | undefined {
  const quoted = quotedPacket(packet);
  return quoted && identityOf(quoted);
}

/** The packet that the ICMP error PACKET quotes; undefined if it is no error. */
export function quotedPacket({ view, at, available }: PacketBytes): PacketBytes | undefined {
  if (available < IPV4_LENGTH || view.getUint8(at + IPV4_PROTOCOL_AT) !== IPPROTO_ICMP) return undefined;
  if ((view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) !== 0) return undefined;
  const quoteAt = at + ((view.getUint8(at) & 15) << 2) + ICMP_LENGTH;
  const left = at + available - quoteAt;
  if (left < IPV4_LENGTH || !ICMP_ERROR_TYPES.includes(view.getUint8(quoteAt - ICMP_LENGTH + ICMP_TYPE_AT)))
    return undefined;
  const length = view.getUint16(quoteAt + IPV4_TOTAL_LENGTH_AT);
  return { view, at: quoteAt, available: Math.min(left, length), length };
}

function quotedIdentity(view: DataView, at: number, available: number): string {
  if (available < IPV4_LENGTH) return `short ${available}`;
  return identityOf({ view, at, available, length: view.getUint16(at + IPV4_TOTAL_LENGTH_AT) });
}

function hash(view: DataView, at: number, left: number): number {
  let sum = 0;
  const end = at + Math.min(left, HASHED_BYTES);
  for (let i = at; i < end; i++) sum = (Math.imul(sum, 31) + view.getUint8(i)) | 0;
  return sum;
}

/**
 * Whether A and B are the same packet on the wire, as far as both were captured. Checksums may be unfinished in either
 * (left to the network card), and the kernel draws the IDs of its own ICMP errors.
 */
export function isSamePacket(a: PacketBytes, b: PacketBytes): boolean {
  if (a.length !== b.length) return false;
  const ignored = ignoredFields(a, b);
  const end = Math.min(a.available, b.available);
  for (let i = 0; i < end; i++) {
    if (a.view.getUint8(a.at + i) !== b.view.getUint8(b.at + i) && !ignored.has(i)) return false;
  }
  return true;
}

/** Offsets of bytes of which the difference means nothing. */
function ignoredFields(a: PacketBytes, b: PacketBytes): Set<number> {
  // The header's checksum follows from the other fields.
  const ignored = new Set([IPV4_CHECKSUM_AT, IPV4_CHECKSUM_AT + 1]);
  if (isOwnError(a) && isOwnError(b)) ignored.add(IPV4_ID_AT).add(IPV4_ID_AT + 1);
  const checksumAt = transportChecksumAt(a);
  if (checksumAt > 0 && checksumAt === transportChecksumAt(b) && (hasUnfinishedChecksum(a) || hasUnfinishedChecksum(b)))
    ignored.add(checksumAt).add(checksumAt + 1);
  return ignored;
}

function isOwnError(packet: PacketBytes): boolean {
  const precedence = packet.view.getUint8(packet.at + IPV4_TOS_AT) & PRECEDENCE_MASK;
  return precedence === PRECEDENCE_INTERNETCONTROL && quotedBy(packet) !== undefined;
}

/** The offset of the TCP or UDP checksum in PACKET; 0 if it has none. */
export function transportChecksumAt({ view, at, available }: PacketBytes): number {
  if (available < IPV4_LENGTH || (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) !== 0) return 0;
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const headerLength = (view.getUint8(at) & 15) << 2;
  const offset =
    headerLength + (protocol === IPPROTO_TCP ? TCP_CHECKSUM_AT : protocol === IPPROTO_UDP ? UDP_CHECKSUM_AT : 0);
  return offset === headerLength || offset + 2 > available ? 0 : offset;
}

/** Whether the checksum of PACKET is the sum of its pseudo header, to which the network card adds the rest. */
export function hasUnfinishedChecksum(packet: PacketBytes): boolean {
  const checksumAt = transportChecksumAt(packet);
  if (checksumAt === 0) return false;
  const { view, at, length } = packet;
  const l4Length = length - ((view.getUint8(at) & 15) << 2);
  const sum = fold(pseudoHeaderSum(view, at, view.getUint8(at + IPV4_PROTOCOL_AT), l4Length));
  return view.getUint16(at + checksumAt) === sum;
}

/** The bytes of data in a TCP segment, and where they start; undefined if PACKET is none, or has no data. */
export function segmentOf({ view, at, available, length }: PacketBytes): TcpData | undefined {
  if (available < IPV4_LENGTH || view.getUint8(at + IPV4_PROTOCOL_AT) !== IPPROTO_TCP) return undefined;
  if ((view.getUint16(at + IPV4_FRAGMENT_AT) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0) return undefined;
  const headerLength = (view.getUint8(at) & 15) << 2;
  const l4 = at + headerLength;
  if (available < headerLength + TCP_LENGTH) return undefined;
  const dataAt = headerLength + ((view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) << 2);
  if (dataAt >= length) return undefined;
  return { sequence: view.getUint32(l4 + TCP_SEQUENCE_AT), dataAt, dataBytes: length - dataAt };
}

export interface TcpData {
  readonly sequence: number;
  /** From the start of the packet. */
  readonly dataAt: number;
  readonly dataBytes: number;
}

/**
 * Replaces what IPv4 packets say about who sent them: addresses, also in options and in packets that ICMP errors and
 * tunnels carry, and payloads. Checksums change by as much as what they cover: what was right stays right, and what was
 * wrong or unfinished stays that.
 */
import { checksumDelta, fold, pseudoHeaderSum, sumBytes, updateChecksum } from '../../codecs/checksum.js';
import {
  AH_LENGTH,
  DCCP_DATA_OFFSET_AT,
  ESP_LENGTH,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  GRE_PROTOCOL_AT,
  GRE_VERSION_MASK,
  ICMP_CHECKSUM_AT,
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  IPCOMP_LENGTH,
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IPCOMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  SCTP_LENGTH,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_SYN,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../../codecs/layouts.js';
import { replaceIpOptions, replaceTcpOptions } from './header-options.js';
import { covered, fill, NONE, type PacketParts, type Piece, replaceAddress, type Sums } from './packet-piece.js';
import type { PayloadPlace } from './payload.js';
import { replaceSctp } from './sctp-packets.js';

const IPPROTO_IGMP = 2;
const IPPROTO_IPIP = 4;
const IPPROTO_IPV6 = 41;
const IGMP_LENGTH = 8;
const MOST_TCP_HEADER_BYTES = 60;
const WHOLE: PayloadPlace = { is: 'whole' };

/**
 * Replaces the IPv4 packet in BYTES, of which the captured part is AT … END. What is behind it is cleared, unless the
 * host itself sent the packet (IS_SENT): it then writes the length.
 */
export function replaceIpv4(bytes: Uint8Array, at: number, end: number, parts: PacketParts, isSent = false): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  parts.begin(bytes, at, end);
  ipv4({ bytes, view, packet: at, parts, isSent, isCut: false, fragment: undefined }, at, end);
  parts.begin(bytes, at, at);
}

function ipv4(outer: Piece, at: number, end: number): void {
  const { bytes, view, parts } = outer;
  if (end - at < IPV4_LENGTH) {
    parts.payload(bytes, outer.packet, [at, end], WHOLE);
    return;
  }
  const given = (view.getUint8(at) & 15) * 4;
  const l4 = Math.min(at + Math.max(given, IPV4_LENGTH), end);
  const isSent = outer.isSent && at === outer.packet;
  const total = isSent ? end - at : view.getUint16(at + IPV4_TOTAL_LENGTH_AT);
  // 0: a packet that was not cut into segments yet.
  const packetEnd = total < l4 - at ? end : Math.min(at + total, end);
  if (packetEnd < end) bytes.fill(0, packetEnd, end);
  const before = addressSum(view, at);
  const pseudo = pseudoHeaderSum(view, at, view.getUint8(at + IPV4_PROTOCOL_AT), Math.max(total, l4 - at) - (l4 - at));
  covered(outer, [at, l4], at + IPV4_CHECKSUM_AT, { old: 0, new: 0 }, () => {
    for (const field of [IPV4_SOURCE_AT, IPV4_DESTINATION_AT]) replaceAddress(outer, at + field);
    replaceIpOptions(outer, at + IPV4_LENGTH, l4);
  });
  const control = view.getUint16(at + IPV4_FRAGMENT_AT);
  const offset = (control & IPV4_OFFSET_MASK) * 8;
  const id = view.getUint16(at + IPV4_ID_AT);
  if ((control & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0) parts.fragment(id, offset, offset + packetEnd - l4);
  const ends = parts.fragmentEnds(id);
  const fragment = ends === undefined ? undefined : { id, offset: offset - l4, ends };
  const piece = { ...outer, isCut: total > end - at, fragment };
  const addresses = { old: before, new: addressSum(view, at) };
  if (offset === 0) transport(piece, { at, l4, end: packetEnd, pseudo, addresses });
  else laterFragment(piece, { at, l4, end: packetEnd, offset, addresses });
}

interface Transport {
  /** Where the IP header is, and what follows it, and where that ends. */
  readonly at: number;
  readonly l4: number;
  readonly end: number;
  /** The sum of the pseudo header before. */
  readonly pseudo: number;
  readonly addresses: Sums;
}

/** What follows the first fragment of a packet. That may end within the header. */
function laterFragment(
  piece: Piece,
  { at, l4, end, offset, addresses }: Pick<Transport, 'at' | 'l4' | 'end' | 'addresses'> & { readonly offset: number },
): void {
  const { view } = piece;
  const isTcp = view.getUint8(at + IPV4_PROTOCOL_AT) === IPPROTO_TCP;
  const header = isTcp ? Math.max(MOST_TCP_HEADER_BYTES - offset, 0) : 0;
  const field = l4 + TCP_CHECKSUM_AT - offset;
  if (isTcp && field >= l4 && field + 2 <= end)
    view.setUint16(field, updateChecksum(view.getUint16(field), addresses.old, addresses.new));
  fill(piece, Math.min(l4 + header, end), end, WHOLE);
}

function transport(piece: Piece, transport: Transport): void {
  const { at, l4, end } = transport;
  switch (piece.view.getUint8(at + IPV4_PROTOCOL_AT)) {
    case IPPROTO_TCP:
      tcp(piece, transport);
      return;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      udp(piece, transport);
      return;
    case IPPROTO_ICMP:
      covered(piece, [l4, end], l4 + ICMP_CHECKSUM_AT, NONE, () => icmp(piece, l4, end));
      return;
    case IPPROTO_DCCP:
      dccp(piece, transport);
      return;
    case IPPROTO_SCTP:
      replaceSctp(piece, l4, end, l4 + SCTP_LENGTH);
      return;
    case IPPROTO_IPIP:
      ipv4(piece, l4, end);
      return;
    case IPPROTO_IPV6:
      replaceIpv6(piece, l4, end);
      return;
    case IPPROTO_GRE:
      gre(piece, l4, end);
      return;
    case IPPROTO_IGMP:
      covered(piece, [l4, end], l4 + 2, NONE, () => {
        // Groups stay, but any other address may be there.
        if (end - l4 >= IGMP_LENGTH) replaceAddress(piece, l4 + 4);
        fill(piece, end - l4 >= IGMP_LENGTH ? l4 + IGMP_LENGTH : l4 + 4, end, WHOLE);
      });
      return;
    case IPPROTO_ESP:
      fill(piece, l4 + ESP_LENGTH, end, WHOLE);
      return;
    case IPPROTO_AH:
      fill(piece, l4 + AH_LENGTH, end, WHOLE);
      return;
    case IPPROTO_IPCOMP:
      fill(piece, l4 + IPCOMP_LENGTH, end, WHOLE);
      return;
    default:
      fill(piece, l4, end, WHOLE);
      return;
  }
}

function tcp(piece: Piece, transport: Transport): void {
  const { view } = piece;
  const { l4, end } = transport;
  if (end - l4 < TCP_LENGTH) {
    checksummed(piece, transport, [l4, end], l4 + TCP_CHECKSUM_AT, () => {});
    return;
  }
  const headerEnd = Math.min(l4 + Math.max((view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) * 4, TCP_LENGTH), end);
  const isSyn = (view.getUint8(l4 + TCP_FLAGS_AT) & TCP_SYN) !== 0;
  const sequence = (view.getUint32(l4 + TCP_SEQUENCE_AT) + (isSyn ? 1 : 0)) % 2 ** 32;
  checksummed(piece, transport, [l4, piece.isCut ? headerEnd : end], l4 + TCP_CHECKSUM_AT, () => {
    replaceTcpOptions(piece, l4 + TCP_LENGTH, headerEnd);
    fill(piece, headerEnd, end, { is: 'stream', sequence });
  });
}

function udp(piece: Piece, transport: Transport): void {
  const { view } = piece;
  const { at, l4, end } = transport;
  const field = l4 + UDP_CHECKSUM_AT;
  const isLite = view.getUint8(at + IPV4_PROTOCOL_AT) === IPPROTO_UDPLITE;
  const given = end - l4 < UDP_LENGTH ? 0 : view.getUint16(l4 + UDP_LENGTH_AT);
  const wholeEnd = isLite && given >= UDP_LENGTH ? Math.min(l4 + given, end) : end;
  const coveredEnd = piece.isCut ? Math.min(l4 + UDP_LENGTH, end) : wholeEnd;
  const change = () => fill(piece, l4 + UDP_LENGTH, end, WHOLE);
  // A checksum of 0 is none.
  if (end - l4 < UDP_LENGTH || view.getUint16(field) === 0) {
    change();
    return;
  }
  checksummed(piece, transport, [l4, coveredEnd], field, change);
  if (view.getUint16(field) === 0) view.setUint16(field, 0xffff);
}

function dccp(piece: Piece, transport: Transport): void {
  const { view } = piece;
  const { l4, end } = transport;
  const field = l4 + 6;
  if (end - l4 < 12) {
    checksummed(piece, transport, [l4, end], field, () => {});
    return;
  }
  const dataAt = Math.min(l4 + view.getUint8(l4 + DCCP_DATA_OFFSET_AT) * 4, end);
  const coverage = view.getUint8(l4 + 5) & 15;
  const wholeEnd = coverage === 0 ? end : Math.min(dataAt + (coverage - 1) * 4, end);
  const coveredEnd = piece.isCut ? Math.min(wholeEnd, dataAt) : wholeEnd;
  checksummed(piece, transport, [l4, coveredEnd], field, () => fill(piece, Math.max(dataAt, l4 + 12), end, WHOLE));
}

const ICMP_REDIRECT = 5;
const ICMP_ROUTERS = 9;
const ICMP_MASKS: readonly number[] = [17, 18];

function icmp(piece: Piece, l4: number, end: number): void {
  const { view } = piece;
  if (end - l4 < ICMP_LENGTH) return;
  const type = view.getUint8(l4);
  const data = l4 + ICMP_LENGTH;
  if (type === ICMP_REDIRECT) replaceAddress(piece, l4 + 4);
  if (ICMP_ERROR_TYPES.includes(type)) {
    ipv4(piece, data, end);
    return;
  }
  if (type === ICMP_ROUTERS) {
    for (let at = data; at + 4 <= end; at += Math.max(view.getUint8(l4 + 5), 1) * 4) replaceAddress(piece, at);
    return;
  }
  fill(piece, ICMP_MASKS.includes(type) ? data + 4 : data, end, WHOLE);
}

const [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE, GRE_ACKNOWLEDGMENT] = [0x8000, 0x2000, 0x1000, 0x0080];

function gre(piece: Piece, l4: number, end: number): void {
  const { view } = piece;
  if (end - l4 < 4) return;
  const flags = view.getUint16(l4);
  const isPptp = (flags & GRE_VERSION_MASK) === 1;
  const words = [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE, ...(isPptp ? [GRE_ACKNOWLEDGMENT] : [])];
  const data = Math.min(l4 + 4 + words.filter((flag) => (flags & flag) !== 0).length * 4, end);
  const type = view.getUint16(l4 + GRE_PROTOCOL_AT);
  const change = (): void => {
    if (!isPptp && type === ETHERTYPE_IPV4) ipv4(piece, data, end);
    else if (!isPptp && type === ETHERTYPE_IPV6) replaceIpv6(piece, data, end);
    else fill(piece, data, end, WHOLE);
  };
  if ((flags & GRE_CHECKSUM) !== 0 && data >= l4 + 8) covered(piece, [l4, end], l4 + 4, NONE, change);
  else change();
}

const IPV6_LENGTH = 40;
/** What is kept of the headers that have ports or types. */
const KEPT_IN_IPV6: Readonly<Record<number, readonly [kept: number, checksumAt: number]>> = {
  [IPPROTO_TCP]: [TCP_LENGTH, TCP_CHECKSUM_AT],
  [IPPROTO_UDP]: [UDP_LENGTH, UDP_CHECKSUM_AT],
  [IPPROTO_ICMPV6]: [4, ICMP_CHECKSUM_AT],
};

/** Replaces the IPv6 packet in PIECE from AT on, which no rule of IPv4 reads. */
export function replaceIpv6(piece: Piece, at: number, end: number): void {
  const { bytes, view, parts } = piece;
  if (end - at < IPV6_LENGTH) {
    parts.payload(bytes, piece.packet, [at, end], WHOLE);
    return;
  }
  const l4 = at + IPV6_LENGTH;
  const packetEnd = Math.min(l4 + view.getUint16(at + 4), end);
  bytes.fill(0, packetEnd, end);
  const old = sumBytes(view, at + 8, 32);
  for (const field of [8, 24]) parts.address6(bytes.subarray(at + field, at + field + 16));
  const [kept, checksumAt] = KEPT_IN_IPV6[view.getUint8(at + 6)] ?? [0, -1];
  const change = () => fill(piece, l4 + kept, packetEnd, WHOLE);
  if (checksumAt < 0) change();
  else covered(piece, [l4, packetEnd], l4 + checksumAt, { old, new: sumBytes(view, at + 8, 32) }, change);
}

function addressSum(view: DataView, at: number): number {
  return [0, 2, 4, 6].reduce((sum, word) => sum + view.getUint16(at + IPV4_SOURCE_AT + word), 0);
}

/** Like `covered`, with the addresses of TRANSPORT, and unless the network card was to do the rest. */
function checksummed(
  piece: Piece,
  { addresses, pseudo, l4, end }: Transport,
  range: readonly [number, number],
  field: number,
  change: () => void,
): void {
  const isThere = end - l4 >= field - l4 + 2;
  const isUnfinished = isThere && piece.view.getUint16(field) === fold(pseudo);
  if (!isUnfinished) {
    covered(piece, range, field, addresses, change);
    return;
  }
  change();
  piece.view.setUint16(field, fold(fold(pseudo) + checksumDelta(addresses.old, addresses.new)));
}

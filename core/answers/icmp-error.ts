/** ICMP errors that the host sends (RFC 792, RFC 1812 section 4.3; icmp_send). */
import { internetChecksum } from '../../codecs/checksum.js';
import {
  ICMP_CHECKSUM_AT,
  ICMP_CODE_AT,
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOS_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
} from '../../codecs/layouts.js';
import { unfinishChecksum } from '../offload/checksums.js';
import { type Packet, PacketType } from '../packet.js';
import { answerDestination, echoOptions } from './echo-options.js';
import type { IpOptions, OptionsHost } from './ip-options.js';
import type { RejectKind } from './reject-kind.js';

/** An error's type and code (IANA, "ICMP Type Numbers"). */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
}

export const NET_UNREACHABLE: IcmpError = { type: 3, code: 0 };
export const HOST_UNREACHABLE: IcmpError = { type: 3, code: 1 };
const PROTOCOL_UNREACHABLE: IcmpError = { type: 3, code: 2 };
export const PORT_UNREACHABLE: IcmpError = { type: 3, code: 3 };
/** `info` is the next hop's MTU, in bytes. */
export const FRAGMENTATION_NEEDED: IcmpError = { type: 3, code: 4 };
export const SOURCE_ROUTE_FAILED: IcmpError = { type: 3, code: 5 };
const NET_PROHIBITED: IcmpError = { type: 3, code: 9 };
const HOST_PROHIBITED: IcmpError = { type: 3, code: 10 };
export const ADMIN_PROHIBITED: IcmpError = { type: 3, code: 13 };
export const TTL_EXCEEDED: IcmpError = { type: 11, code: 0 };
export const REASSEMBLY_TIME_EXCEEDED: IcmpError = { type: 11, code: 1 };
/** `info` has the offset of the faulty byte of the IP header in its upper 8 bits: see `parameterPointer`. */
export const PARAMETER_PROBLEM: IcmpError = { type: 12, code: 0 };

/** The errors that REJECT sends, by `--reject-with` option without `icmp-` (iptables-extensions(8)). */
export const REJECT_ERRORS: Readonly<Record<Exclude<RejectKind, 'tcp-reset'>, IcmpError>> = {
  'net-unreachable': NET_UNREACHABLE,
  'host-unreachable': HOST_UNREACHABLE,
  'proto-unreachable': PROTOCOL_UNREACHABLE,
  'port-unreachable': PORT_UNREACHABLE,
  'net-prohibited': NET_PROHIBITED,
  'host-prohibited': HOST_PROHIBITED,
  'admin-prohibited': ADMIN_PROHIBITED,
};

/** The maximum length of an ICMP error (RFC 1812, section 4.3.2.3). */
const MAX_BYTES = 576;
const TOS_MASK = 0x1e;
/** Precedence 6, internetwork control (RFC 1812, section 4.3.2.5). */
const TOS_INTERNETWORK_CONTROL = 0xc0;

/** The `info` of a parameter problem. POINTER is the offset of the faulty byte in the IP header. */
export function parameterPointer(pointer: number): number {
  return pointer << 24;
}

/**
 * Whether an ICMP error about PACKET may be sent. No error is sent about a link-layer or IP broadcast or multicast
 * (TO_MANY: it was routed as one), a fragment other than the first, or an ICMP message that is or may be an error.
 */
export function mayAnswer(packet: Packet, toMany: boolean): boolean {
  if (packet.type !== PacketType.HOST || toMany || packet.fragmentOffset !== 0) return false;
  if (packet.protocol !== IPPROTO_ICMP) return true;
  return packet.l4Available > ICMP_TYPE_AT && isIcmpInformation(packet.bytes[packet.l4 + ICMP_TYPE_AT]);
}

/** Queries and their replies: echo, timestamp, information, address mask. */
function isIcmpInformation(type: number): boolean {
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** The TOS of an ICMP error about PACKET. */
export function icmpErrorTos(packet: Packet): number {
  return (packet.bytes[packet.at + IPV4_TOS_AT] & TOS_MASK) | TOS_INTERNETWORK_CONTROL;
}

/** The route, TTL and MTU of an ICMP error. */
export interface IcmpErrorRoute {
  /** Its source address, as loaded little-endian. By default, the source of the route to `answerDestination`. */
  source: number;
  /** net.ipv4.ip_default_ttl. */
  ttl: number;
  /** The MTU of the route back, in bytes. */
  mtu: number;
}

/**
 * Builds in ANSWER an ICMP ERROR about PACKET. PACKET's bytes are quoted as they are, so the caller must pass them as
 * its sender sent them. ANSWER's `bytes`, `view` and `at` must be set and have room for 576 bytes. INFO is the last 32
 * bits of the ICMP header (see each error). OPTIONS are PACKET's options as processed by HOST, or null if there are
 * none or the packet is the host's own.
 *
 * The quote is as long as fits. If PACKET was truncated by a snaplen, the answer is truncated too (`available` is below
 * `length`) and its checksum takes the missing bytes as zeros. The IP ID is 0 (the kernel picks a random one).
 *
 * Returns the answer's length, or 0 if no header fits or an option cannot be echoed.
 */
export function buildIcmpError(
  answer: Packet,
  error: IcmpError,
  info: number,
  packet: Packet,
  options: IpOptions | null,
  route: IcmpErrorRoute,
  host: OptionsHost,
): number {
  const { bytes, view, at } = answer;
  const hasOptions = options !== null && options.length > 0;
  const optionsLength = hasOptions ? echoOptions(packet, options, view, at + IPV4_LENGTH, route.source, host) : 0;
  if (optionsLength < 0) return 0;
  const headerLength = IPV4_LENGTH + optionsLength;
  const room = Math.min(route.mtu, MAX_BYTES) - headerLength - ICMP_LENGTH;
  if (room <= IPV4_LENGTH) return 0;
  const quoted = Math.min(packet.length, room);
  const quotedAvailable = Math.min(packet.available, quoted);
  const length = headerLength + ICMP_LENGTH + quoted;

  const icmp = at + headerLength;
  view.setUint32(icmp, 0);
  view.setUint8(icmp + ICMP_TYPE_AT, error.type);
  view.setUint8(icmp + ICMP_CODE_AT, error.code);
  view.setInt32(icmp + 4, info);
  bytes.set(packet.bytes.subarray(packet.at, packet.at + quotedAvailable), icmp + ICMP_LENGTH);
  unfinishChecksum(packet, view, icmp + ICMP_LENGTH + packet.headerLength);
  view.setUint16(icmp + ICMP_CHECKSUM_AT, internetChecksum(view, icmp, ICMP_LENGTH + quotedAvailable));

  const tos = icmpErrorTos(packet);
  view.setUint8(at, 0x40 | (headerLength >> 2));
  view.setUint8(at + IPV4_TOS_AT, tos);
  view.setUint16(at + IPV4_TOTAL_LENGTH_AT, length);
  view.setUint16(at + IPV4_ID_AT, 0);
  view.setUint16(at + IPV4_FRAGMENT_AT, 0);
  view.setUint8(at + IPV4_TTL_AT, route.ttl);
  view.setUint8(at + IPV4_PROTOCOL_AT, IPPROTO_ICMP);
  view.setUint16(at + IPV4_CHECKSUM_AT, 0);
  view.setInt32(at + IPV4_SOURCE_AT, route.source, true);
  view.setInt32(at + IPV4_DESTINATION_AT, answerDestination(packet, options), true);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, headerLength));

  answer.length = length;
  answer.available = headerLength + ICMP_LENGTH + quotedAvailable;
  answer.headerLength = headerLength;
  answer.reload();
  return length;
}

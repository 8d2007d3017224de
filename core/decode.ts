/** hot: decodes packets: whether Linux would accept a packet at all (ip_rcv_core), and where its parts are. */
import { internetChecksum } from '../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_VERSION_IHL_AT,
} from '../codecs/layouts.js';
import { NO_SOCKET } from './host/socket-numbers.js';
import type { PacketBytes } from './link/link-stage.js';
import { CtInfo, type Packet, PacketType } from './packet.js';
import type { Random } from './random.js';
import type { Reason } from './reasons.js';

/** What every link can carry whole (RFC 791): nobody leaves it to a card to cut a packet of this length. */
const SHORT_BYTES = 576;

/** Why a packet is dropped before any hook sees it. */
export type MalformedReason = Extract<
  Reason,
  'ip-too-short' | 'ip-version' | 'ip-header-length' | 'ip-checksum' | 'ip-total-length' | 'ip-truncated'
>;

/**
 * Sets PACKET to the IPv4 packet in RECEIVED and clears all other state. Returns the reason why the kernel would drop
 * it, or ''. IS_OFFLOADED: its sender may have left the IP header's checksum to the network card, which is then filled
 * in, and the total length of TCP (both are 0; `packet.length` is what was on the wire).
 */
export function decodePacket(packet: Packet, received: PacketBytes, isOffloaded: boolean): MalformedReason | '' {
  const { view, at, captured, onWire } = received;
  resetPacket(packet, received.bytes, view, at, captured);
  if (captured < IPV4_LENGTH) return 'ip-too-short';
  const versionIhl = view.getUint8(at + IPV4_VERSION_IHL_AT);
  if (versionIhl >>> 4 !== 4) return 'ip-version';
  const headerLength = (versionIhl & 15) << 2;
  if (headerLength < IPV4_LENGTH || headerLength > captured) return 'ip-header-length';
  const checksum = internetChecksum(view, at, headerLength);
  if (checksum !== 0) {
    if (!isOffloaded || view.getUint16(at + IPV4_CHECKSUM_AT) !== 0) return 'ip-checksum';
    view.setUint16(at + IPV4_CHECKSUM_AT, checksum);
  }
  let length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT);
  if (length === 0 && isOffloaded && onWire > SHORT_BYTES && view.getUint8(at + IPV4_PROTOCOL_AT) === IPPROTO_TCP) {
    length = onWire;
    packet.hasTotalLength = false;
  }
  if (length < headerLength) return 'ip-total-length';
  if (length > onWire) return 'ip-truncated';
  packet.length = length;
  packet.available = length < captured ? length : captured;
  packet.headerLength = headerLength;
  packet.reload();
  return '';
}

/**
 * Sets PACKET to a packet that the host itself sends through a raw socket (raw_send_hdrinc). All bytes of SENT belong
 * to the packet. Its total length is filled in, and an ID of 0 without DF is replaced by a random ID. Its source and
 * checksum are set after routing.
 */
export function decodeOwnPacket(packet: Packet, sent: PacketBytes, random: Random): MalformedReason | '' {
  const { view, at, captured, onWire } = sent;
  resetPacket(packet, sent.bytes, view, at, captured);
  if (captured < IPV4_LENGTH) return 'ip-too-short';
  const headerLength = (view.getUint8(at + IPV4_VERSION_IHL_AT) & 15) << 2;
  if (headerLength < IPV4_LENGTH || headerLength > captured) return 'ip-header-length';
  if (onWire > 0xffff) return 'ip-total-length';
  view.setUint16(at + IPV4_TOTAL_LENGTH_AT, onWire);
  const isDf = (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_DF) !== 0;
  if (view.getUint16(at + IPV4_ID_AT) === 0 && !isDf) view.setUint16(at + IPV4_ID_AT, random.uint16());
  packet.length = onWire;
  packet.headerLength = headerLength;
  packet.reload();
  return '';
}

/** Whether PACKET is a fragment, including a first fragment. */
export function isFragment(packet: Packet): boolean {
  return (packet.view.getUint16(packet.at + IPV4_FRAGMENT_AT) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
}

/** Sets PACKET to the CAPTURED bytes at AT of BYTES (and of VIEW) and clears all other state. */
export function resetPacket(packet: Packet, bytes: Uint8Array, view: DataView, at: number, captured: number): void {
  packet.bytes = bytes;
  packet.view = view;
  packet.at = at;
  packet.length = captured;
  packet.available = captured;
  packet.headerLength = 0;
  packet.type = PacketType.HOST;
  packet.sourceMacHigh = -1;
  packet.sourceMacLow = -1;
  packet.inDev = -1;
  packet.outDev = -1;
  packet.mark = 0;
  packet.ct = -1;
  packet.direction = 0;
  packet.ctinfo = CtInfo.INVALID;
  packet.isAttached = false;
  packet.hotdrop = false;
  packet.dropCause = null;
  packet.isTranslated = false;
  packet.isLocal = false;
  packet.socket = NO_SOCKET;
  packet.routeDev = -1;
  packet.isForHost = false;
  packet.isToMany = false;
  packet.loopsBack = false;
  packet.hasUnfinishedChecksum = false;
  packet.hasTrustedChecksum = false;
  packet.hasTotalLength = true;
  packet.isCoalesced = false;
  packet.segmentLength = 0;
  packet.hasTakenOptions = false;
  packet.isRejected = false;
  packet.isTraced = false;
  packet.teeDev = -1;
  packet.hadTakenOptions = false;
  packet.queueFate = '';
  packet.fragmentMaxSize = 0;
  packet.fragmentHadDf = false;
}

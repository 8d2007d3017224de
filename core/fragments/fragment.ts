/**
 * What happens to a packet larger than the MTU of its egress link: it is fragmented, or its sender gets an ICMP error
 * (ip_fragment).
 */
import { internetChecksum } from '../../codecs/checksum.js';
import {
  IPV4_CHECKSUM_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_TOTAL_LENGTH_AT,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import type { FragmentGeometry } from './geometry.js';
import { copyBytes } from './queue.js';

/** How a packet is sent: in one piece, in fragments, or not at all, with an ICMP 3/4 to its sender. */
export const FragmentAction = { SEND_WHOLE: 0, FRAGMENT: 1, TOO_BIG: 2 } as const;
export type FragmentAction = (typeof FragmentAction)[keyof typeof FragmentAction];

/** Free bytes before each fragment's IP header, for a link-layer header. */
const FRAGMENT_HEADROOM = 64;

const OPTION_END = 0;
const OPTION_NOOP = 1;
/** The bit of an option's type that means: copy it into all fragments (RFC 791, section 3.1). */
const OPTION_COPIED = 0x80;

/**
 * Whether a packet to be forwarded to a link with this MTU is answered with ICMP 3/4 before the FORWARD hook
 * (ip_exceeds_mtu). A reassembled packet is, if it has DF and its largest fragment exceeds the MTU.
 */
export function exceedsMtu(packet: Packet, mtu: number): boolean {
  if (lengthOnWire(packet) <= mtu || !hasDf(packet)) return false;
  return packet.fragmentMaxSize === 0 || packet.fragmentMaxSize > mtu;
}

/** How PACKET leaves by a link with this MTU, after POSTROUTING. Reassembled packets are always fragmented again. */
export function fragmentAction(packet: Packet, mtu: number): FragmentAction {
  if (lengthOnWire(packet) <= mtu && packet.fragmentMaxSize === 0) return FragmentAction.SEND_WHOLE;
  if (!hasDf(packet)) return FragmentAction.FRAGMENT;
  return packet.fragmentMaxSize === 0 || packet.fragmentMaxSize > mtu
    ? FragmentAction.TOO_BIG
    : FragmentAction.FRAGMENT;
}

/** The length of PACKET, or of its segments if it is coalesced. */
function lengthOnWire(packet: Packet): number {
  return packet.segmentLength > 0 ? packet.segmentLength : packet.length;
}

function hasDf(packet: Packet): boolean {
  return (packet.view.getUint16(packet.at + IPV4_FRAGMENT_AT) & IPV4_DF) !== 0;
}

/**
 * Receives a fragment: the offset of its IP header, its total length and its available bytes. The buffer is reused
 * after the call.
 */
export type FragmentSink = (bytes: Uint8Array, at: number, lengthBytes: number, availableBytes: number) => void;

/** Fragments packets. Owns the buffer in which fragments are built. */
export class Fragmenter {
  private readonly bytes = new Uint8Array(FRAGMENT_HEADROOM + 0x10000);
  private readonly view = new DataView(this.bytes.buffer);

  /**
   * Splits PACKET for a link with this MTU and passes each fragment to EMIT, in order.
   *
   * A reassembled packet is split as it arrived (GEOMETRY), without DF, if no fragment exceeds the MTU or the largest
   * original fragment. Any other packet is split into the largest possible multiples of 8 bytes. In all fragments
   * except the first, options without the copied flag become NOPs, unless the host itself sent the packet.
   *
   * If PACKET was truncated by a snaplen, each fragment has the bytes that are available. Some may consist of a header
   * only.
   */
  fragment(packet: Packet, mtu: number, geometry: FragmentGeometry | null, emit: FragmentSink): void {
    const { headerLength } = packet;
    const payloadLength = packet.length - headerLength;
    const arrivedCut = packet.fragmentMaxSize > 0 && geometry !== null;
    let room = mtu - headerLength;
    if (packet.fragmentMaxSize > 0 && packet.fragmentMaxSize < mtu) room = packet.fragmentMaxSize - headerLength;

    if (arrivedCut) geometry.ensureWritable(packet.rewrittenLength);
    if (arrivedCut && geometry.isUsable(headerLength, room)) {
      let offset = 0;
      for (let i = 0; i < geometry.count; i++) {
        const length = geometry.lengths[i];
        this.emitOne(packet, geometry, offset, length, i < geometry.count - 1 ? IPV4_MF : 0, emit);
        offset += length;
      }
      return;
    }
    const df = packet.fragmentHadDf ? IPV4_DF : 0;
    const step = room & ~7;
    for (let offset = 0; offset < payloadLength; ) {
      const left = payloadLength - offset;
      const length = left > room ? step : left;
      this.emitOne(packet, arrivedCut ? geometry : null, offset, length, length < left ? df | IPV4_MF : df, emit);
      offset += length;
    }
  }

  private emitOne(
    packet: Packet,
    geometry: FragmentGeometry | null,
    offset: number,
    length: number,
    flags: number,
    emit: FragmentSink,
  ): void {
    const { bytes, view } = this;
    const { headerLength } = packet;
    const at = FRAGMENT_HEADROOM;
    const available =
      geometry === null
        ? Math.max(0, Math.min(length, packet.available - headerLength - offset))
        : geometry.availableFrom(offset, offset + length);
    copyBytes(packet.bytes, packet.at, bytes, at, headerLength);
    copyBytes(packet.bytes, packet.l4 + offset, bytes, at + headerLength, available);
    const hasKnownOptions = !packet.isLocal || packet.hadTakenOptions;
    if (offset > 0 && headerLength > IPV4_LENGTH && hasKnownOptions) blankUncopiedOptions(bytes, at, headerLength);

    const original = packet.view.getUint16(packet.at + IPV4_FRAGMENT_AT);
    const fragment = ((original & IPV4_OFFSET_MASK) + (offset >> 3)) | flags | (original & IPV4_MF);
    view.setUint16(at + IPV4_TOTAL_LENGTH_AT, headerLength + length);
    view.setUint16(at + IPV4_FRAGMENT_AT, fragment);
    view.setUint16(at + IPV4_CHECKSUM_AT, 0);
    view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, headerLength));
    emit(bytes, at, headerLength + length, headerLength + available);
  }
}

/** Replaces the options at AT that belong only in the first fragment with NOPs (ip_options_fragment). */
function blankUncopiedOptions(bytes: Uint8Array, at: number, headerLength: number): void {
  const end = at + headerLength;
  for (let option = at + IPV4_LENGTH; option < end; ) {
    const type = bytes[option];
    if (type === OPTION_END) return;
    if (type === OPTION_NOOP) {
      option++;
      continue;
    }
    const length = bytes[option + 1];
    if (length < 2 || option + length > end) return;
    if ((type & OPTION_COPIED) === 0) bytes.fill(OPTION_NOOP, option, option + length);
    option += length;
  }
}

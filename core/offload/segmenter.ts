/** Cuts coalesced packets into segments, as a network card or the kernel does before it (skb_gso_segment). */
import { internetChecksum } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_ID_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_CWR,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_PSH,
  TCP_SEQUENCE_AT,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../../codecs/layouts.js';
import { resetPacket } from '../decode.js';
import { copyBytes } from '../fragments/queue.js';
import { Packet, tcpHeaderLength } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';

/** Free bytes before each segment, for a link-layer header. */
const HEADROOM = 64;

/** Owns the buffer in which segments are built. */
export class Segmenter {
  readonly #bytes = new Uint8Array(HEADROOM + 0x10000);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #segment = new Packet();

  /**
   * Cuts PACKET into segments of `segmentLength` and passes each to EMIT, in order. Each has the headers of PACKET,
   * with IP IDs and sequence numbers that count up. FIN and PSH stay in the last segment only, CWR in the first. The
   * segment is valid during the call.
   *
   * If PACKET was truncated by a snaplen, so are the segments, and their checksums are unfinished.
   */
  cut(packet: Packet, emit: (segment: Packet) => void): void {
    const isTcp = packet.protocol === IPPROTO_TCP;
    const headers = packet.headerLength + (isTcp ? tcpHeaderLength(packet) : UDP_LENGTH);
    const size = packet.segmentLength - headers;
    const data = packet.length - headers;
    for (let offset = 0, number = 0; offset < data; offset += size, number++) {
      const length = Math.min(size, data - offset);
      const segment = this.#copy(packet, headers, offset, length);
      const { view, at, l4 } = segment;
      const id = packet.view.getUint16(packet.at + IPV4_ID_AT) + number;
      view.setUint16(at + IPV4_ID_AT, id & 0xffff);
      view.setUint16(at + IPV4_CHECKSUM_AT, 0);
      view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, packet.headerLength));
      if (isTcp) writeTcp(segment, offset, offset + length === data);
      else view.setUint16(l4 + UDP_LENGTH_AT, UDP_LENGTH + length);
      if (isTcp || view.getUint16(l4 + UDP_CHECKSUM_AT) !== 0) writeChecksum(segment);
      emit(segment);
    }
  }

  /** A packet with the headers of PACKET, and LENGTH bytes of its data from OFFSET on. */
  #copy(packet: Packet, headers: number, offset: number, length: number): Packet {
    const available = Math.max(0, Math.min(length, packet.available - headers - offset));
    copyBytes(packet.bytes, packet.at, this.#bytes, HEADROOM, headers);
    copyBytes(packet.bytes, packet.at + headers + offset, this.#bytes, HEADROOM + headers, available);
    const segment = this.#segment;
    resetPacket(segment, this.#bytes, this.#view, HEADROOM, headers + available);
    segment.length = headers + length;
    segment.headerLength = packet.headerLength;
    segment.isLocal = packet.isLocal;
    this.#view.setUint16(HEADROOM + IPV4_TOTAL_LENGTH_AT, segment.length);
    segment.reload();
    return segment;
  }
}

/** Completes the header of a TCP segment at OFFSET of the data. */
function writeTcp({ view, l4 }: Packet, offset: number, isLast: boolean): void {
  view.setUint32(l4 + TCP_SEQUENCE_AT, (view.getUint32(l4 + TCP_SEQUENCE_AT) + offset) >>> 0);
  let flags = view.getUint8(l4 + TCP_FLAGS_AT);
  if (offset > 0) flags &= ~TCP_CWR;
  if (!isLast) flags &= ~(TCP_FIN | TCP_PSH);
  view.setUint8(l4 + TCP_FLAGS_AT, flags);
}

function writeChecksum(segment: Packet): void {
  const { offload } = protocolOf(segment.protocol);
  offload?.unfinish(segment, segment.view, segment.l4);
  if (!segment.isCut) offload?.finish(segment);
}

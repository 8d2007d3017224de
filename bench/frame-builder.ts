/** Ethernet frames with TCP and UDP in IPv4, made in place, with right checksums: what the workloads are made of. */
import { internetChecksum, pseudoHeaderSum } from '../codecs/checksum.js';
import {
  ETHERNET_LENGTH,
  ETHERNET_TYPE_AT,
  ETHERTYPE_IPV4,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  TCP_CHECKSUM_AT,
  TCP_LENGTH,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
} from '../codecs/layouts.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';

/** The shortest frame that Ethernet has, as it is captured here: padded to it. */
export const SHORTEST_FRAME_BYTES = 64;
/** The longest: an MTU of 1500. On the wire its frame check sequence follows, which makes it 1518. */
export const LONGEST_FRAME_BYTES = 1514;

/** The host's MAC addresses, and those of its neighbours, as pcaps/docker/host.json has them: destination, then source. */
export const GATEWAY_TO_HOST = [0x02, 0, 0, 0, 0, 0x10, 0x02, 0, 0, 0, 0, 0x01];
export const CONTAINER_TO_HOST = [0x02, 0x42, 0xc0, 0xbb, 0xbb, 0x1e, 0x02, 0x42, 0xac, 0x11, 0, 0x03];

const L4 = ETHERNET_LENGTH + IPV4_LENGTH;
const DONT_FRAGMENT = 0x4000;
const TTL = 64;
const WINDOW = 64_240;
const FILLER = 0x2e;
const START_SEC = 1_700_000_000;
/** Time between two frames of a workload. */
export const STEP_NS = 10_000;

/** Which two ends a frame is between, addresses in host order. */
export interface Ends {
  readonly macs: readonly number[];
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
}

/** One frame at a time; `bytes[0 … length)` is what was made last. */
export class FrameBuilder {
  readonly bytes = new Uint8Array(LONGEST_FRAME_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;

  /** A segment with PAYLOAD_BYTES of data. */
  tcp(ends: Ends, id: number, flags: number, sequence: number, acknowledgment: number, payloadBytes: number): void {
    const { view } = this;
    this.#ip(ends, id, IPPROTO_TCP, TCP_LENGTH + payloadBytes);
    view.setUint32(L4 + 4, sequence);
    view.setUint32(L4 + 8, acknowledgment);
    view.setUint16(L4 + 12, (5 << 12) | flags);
    view.setUint16(L4 + 14, WINDOW);
    this.#finish(IPPROTO_TCP, TCP_LENGTH, payloadBytes, TCP_CHECKSUM_AT);
  }

  /** A datagram with PAYLOAD_BYTES of data. */
  udp(ends: Ends, id: number, payloadBytes: number): void {
    this.#ip(ends, id, IPPROTO_UDP, UDP_LENGTH + payloadBytes);
    this.view.setUint16(L4 + 4, UDP_LENGTH + payloadBytes);
    this.#finish(IPPROTO_UDP, UDP_LENGTH, payloadBytes, UDP_CHECKSUM_AT);
  }

  /** Append the frame to WRITER as the Nth of a workload. */
  writeTo(writer: PcapWriter, n: number): void {
    const ns = n * STEP_NS;
    writer.write(START_SEC + Math.floor(ns / 1e9), ns % 1e9, this.bytes, 0, this.length, this.length);
  }

  #ip({ macs, source, destination, sport, dport }: Ends, id: number, protocol: number, l4Bytes: number): void {
    const { bytes, view } = this;
    this.length = Math.max(SHORTEST_FRAME_BYTES, L4 + l4Bytes);
    bytes.fill(0, 0, this.length);
    bytes.set(macs);
    view.setUint16(ETHERNET_TYPE_AT, ETHERTYPE_IPV4);
    view.setUint16(ETHERNET_LENGTH, 0x4500);
    view.setUint16(ETHERNET_LENGTH + IPV4_TOTAL_LENGTH_AT, IPV4_LENGTH + l4Bytes);
    view.setUint16(ETHERNET_LENGTH + 4, id);
    view.setUint16(ETHERNET_LENGTH + 6, DONT_FRAGMENT);
    view.setUint16(ETHERNET_LENGTH + 8, (TTL << 8) | protocol);
    view.setUint32(ETHERNET_LENGTH + IPV4_SOURCE_AT, source);
    view.setUint32(ETHERNET_LENGTH + IPV4_DESTINATION_AT, destination);
    view.setUint16(ETHERNET_LENGTH + IPV4_CHECKSUM_AT, internetChecksum(view, ETHERNET_LENGTH, IPV4_LENGTH));
    view.setUint16(L4, sport);
    view.setUint16(L4 + 2, dport);
  }

  #finish(protocol: number, headerBytes: number, payloadBytes: number, checksumAt: number): void {
    const { bytes, view } = this;
    const l4Bytes = headerBytes + payloadBytes;
    bytes.fill(FILLER, L4 + headerBytes, L4 + l4Bytes);
    const pseudo = pseudoHeaderSum(view, ETHERNET_LENGTH, protocol, l4Bytes);
    const checksum = internetChecksum(view, L4, l4Bytes, pseudo);
    // A UDP checksum of 0 would say that there is none (RFC 768).
    view.setUint16(L4 + checksumAt, checksum === 0 && protocol === IPPROTO_UDP ? 0xffff : checksum);
  }
}

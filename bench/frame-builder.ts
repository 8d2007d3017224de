/**
 * Builds the frames of the workloads: TCP and UDP over IPv4 over Ethernet, with correct checksums, in one reused
 * buffer.
 */
import { internetChecksum, pseudoHeaderSum } from '../codecs/checksum.js';
import {
  DESTINATION_PORT_AT,
  ETHERNET_LENGTH,
  ETHERNET_TYPE_AT,
  ETHERTYPE_IPV4,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_ID_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  IPV4_VERSION_IHL_AT,
  SOURCE_PORT_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_WINDOW_AT,
  UDP_CHECKSUM_AT,
  UDP_LENGTH,
  UDP_LENGTH_AT,
} from '../codecs/layouts.js';
import type { PcapWriter } from '../codecs/pcap-writer.js';

/** The shortest Ethernet frame; shorter packets are padded. */
const SHORTEST_FRAME_BYTES = 64;
/** The longest frame, for an MTU of 1500. With its frame check sequence it has 1518 bytes on the wire. */
export const LONGEST_FRAME_BYTES = 1514;

/** Destination and source MAC addresses: the host's, and those of its neighbours, as in pcaps/docker/host.json. */
export const GATEWAY_TO_HOST = [0x02, 0, 0, 0, 0, 0x10, 0x02, 0, 0, 0, 0, 0x01];
export const CONTAINER_TO_HOST = [0x02, 0x42, 0xc0, 0xbb, 0xbb, 0x1e, 0x02, 0x42, 0xac, 0x11, 0, 0x03];

const L4 = ETHERNET_LENGTH + IPV4_LENGTH;
const TTL = 64;
const WINDOW = 64_240;
const FILLER = 0x2e;
const START_SEC = 1_700_000_000;
/** Time between two frames of a workload. */
export const STEP_NS = 10_000;

/** The two ends of a frame, addresses in host order. */
export interface Ends {
  readonly macs: readonly number[];
  readonly source: number;
  readonly destination: number;
  readonly sport: number;
  readonly dport: number;
}

/** One frame at a time: `bytes[0 … length)` is the last one built. */
export class FrameBuilder {
  readonly bytes = new Uint8Array(LONGEST_FRAME_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;

  /** A segment with PAYLOAD_BYTES of data. */
  tcp(ends: Ends, id: number, flags: number, sequence: number, acknowledgment: number, payloadBytes: number): void {
    const { view } = this;
    this.#ip(ends, id, IPPROTO_TCP, TCP_LENGTH + payloadBytes);
    view.setUint32(L4 + TCP_SEQUENCE_AT, sequence);
    view.setUint32(L4 + TCP_ACKNOWLEDGMENT_AT, acknowledgment);
    view.setUint8(L4 + TCP_DATA_OFFSET_AT, (TCP_LENGTH / 4) << 4);
    view.setUint8(L4 + TCP_FLAGS_AT, flags);
    view.setUint16(L4 + TCP_WINDOW_AT, WINDOW);
    this.#finish(IPPROTO_TCP, TCP_LENGTH, payloadBytes, TCP_CHECKSUM_AT);
  }

  /** A datagram with PAYLOAD_BYTES of data. */
  udp(ends: Ends, id: number, payloadBytes: number): void {
    this.#ip(ends, id, IPPROTO_UDP, UDP_LENGTH + payloadBytes);
    this.view.setUint16(L4 + UDP_LENGTH_AT, UDP_LENGTH + payloadBytes);
    this.#finish(IPPROTO_UDP, UDP_LENGTH, payloadBytes, UDP_CHECKSUM_AT);
  }

  /** Appends the frame to WRITER as number N of a workload. */
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
    view.setUint8(ETHERNET_LENGTH + IPV4_VERSION_IHL_AT, (4 << 4) | (IPV4_LENGTH / 4));
    view.setUint16(ETHERNET_LENGTH + IPV4_TOTAL_LENGTH_AT, IPV4_LENGTH + l4Bytes);
    view.setUint16(ETHERNET_LENGTH + IPV4_ID_AT, id);
    view.setUint16(ETHERNET_LENGTH + IPV4_FRAGMENT_AT, IPV4_DF);
    view.setUint8(ETHERNET_LENGTH + IPV4_TTL_AT, TTL);
    view.setUint8(ETHERNET_LENGTH + IPV4_PROTOCOL_AT, protocol);
    view.setUint32(ETHERNET_LENGTH + IPV4_SOURCE_AT, source);
    view.setUint32(ETHERNET_LENGTH + IPV4_DESTINATION_AT, destination);
    view.setUint16(ETHERNET_LENGTH + IPV4_CHECKSUM_AT, internetChecksum(view, ETHERNET_LENGTH, IPV4_LENGTH));
    view.setUint16(L4 + SOURCE_PORT_AT, sport);
    view.setUint16(L4 + DESTINATION_PORT_AT, dport);
  }

  #finish(protocol: number, headerBytes: number, payloadBytes: number, checksumAt: number): void {
    const { bytes, view } = this;
    const l4Bytes = headerBytes + payloadBytes;
    bytes.fill(FILLER, L4 + headerBytes, L4 + l4Bytes);
    const pseudo = pseudoHeaderSum(view, ETHERNET_LENGTH, protocol, l4Bytes);
    const checksum = internetChecksum(view, L4, l4Bytes, pseudo);
    // A UDP checksum of 0 means that there is none (RFC 768).
    view.setUint16(L4 + checksumAt, checksum === 0 && protocol === IPPROTO_UDP ? 0xffff : checksum);
  }
}

/** The segments that SYNPROXY sends in the name of the client or the server (synproxy_build_ip). */
import { internetChecksum, pseudoHeaderSum } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_DF,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_CHECKSUM_AT,
  TCP_DATA_OFFSET_AT,
  TCP_DESTINATION_PORT_AT,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_SEQUENCE_AT,
  TCP_SOURCE_PORT_AT,
  TCP_WINDOW_AT,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import { type ProxyOptions, writeOptions } from './tcp-options.js';

export interface Segment {
  /** It goes to the sender of the packet that caused it, or else where that packet went. */
  readonly isReply: boolean;
  /** 32 bits each. */
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly options: ProxyOptions;
}

/** Builds SEGMENT in ANSWER, between the ends of PACKET. ANSWER's `bytes`, `view` and `at` must be set. */
export function buildSegment(answer: Packet, packet: Packet, segment: Segment, ttl: number): void {
  const { isReply, sequence, acknowledgment, flags, window } = segment;
  const options = writeOptions(segment.options);
  const tcpLength = TCP_LENGTH + options.length;
  const length = IPV4_LENGTH + tcpLength;
  const { bytes, view, at } = answer;
  const l4 = at + IPV4_LENGTH;
  bytes.fill(0, at, at + length);
  view.setUint8(at, 0x45);
  view.setUint16(at + IPV4_TOTAL_LENGTH_AT, length);
  view.setUint16(at + IPV4_FRAGMENT_AT, IPV4_DF);
  view.setUint8(at + IPV4_TTL_AT, ttl);
  view.setUint8(at + IPV4_PROTOCOL_AT, IPPROTO_TCP);
  view.setInt32(at + IPV4_SOURCE_AT, isReply ? packet.destination : packet.source, true);
  view.setInt32(at + IPV4_DESTINATION_AT, isReply ? packet.source : packet.destination, true);
  view.setUint16(at + IPV4_CHECKSUM_AT, internetChecksum(view, at, IPV4_LENGTH));

  view.setUint16(l4 + TCP_SOURCE_PORT_AT, isReply ? packet.dport : packet.sport);
  view.setUint16(l4 + TCP_DESTINATION_PORT_AT, isReply ? packet.sport : packet.dport);
  view.setUint32(l4 + TCP_SEQUENCE_AT, sequence);
  view.setUint32(l4 + TCP_ACKNOWLEDGMENT_AT, acknowledgment);
  view.setUint8(l4 + TCP_DATA_OFFSET_AT, (tcpLength >> 2) << 4);
  view.setUint8(l4 + TCP_FLAGS_AT, flags);
  view.setUint16(l4 + TCP_WINDOW_AT, window);
  bytes.set(options, l4 + TCP_LENGTH);
  const sum = pseudoHeaderSum(view, at, IPPROTO_TCP, tcpLength);
  view.setUint16(l4 + TCP_CHECKSUM_AT, internetChecksum(view, l4, tcpLength, sum));

  answer.hasUnfinishedChecksum = true;
  answer.hasTrustedChecksum = true;
  answer.length = length;
  answer.available = length;
  answer.headerLength = IPV4_LENGTH;
  answer.reload();
}

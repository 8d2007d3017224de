/** hot: what stitching has to know about a captured packet, in one record that is reused for all packets. */
import {
  ICMP_ERROR_TYPES,
  ICMP_ID_AT,
  ICMP_LENGTH,
  ICMP_TYPE_AT,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  SCTP_LENGTH,
  TCP_ACK,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_LENGTH,
  TCP_RST,
  TCP_SEQUENCE_AT,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { Tuple } from '../../core/conntrack/tuple.js';
import type { Translations } from './translations.js';

/**
 * What a packet means to its conversation. OPENER: it asks for a connection (SYN, INIT). ANSWER: it grants one
 * (SYN/ACK, INIT ACK). RESET: it refuses or aborts one. LATER: anything else of a protocol with connections. QUERY and
 * REPLY: those of ICMP. DATAGRAM: a packet of any other protocol. ERROR: an ICMP error. NONE: it belongs to no
 * conversation.
 */
export const Kind = {
  NONE: 0,
  OPENER: 1,
  ANSWER: 2,
  RESET: 3,
  LATER: 4,
  QUERY: 5,
  REPLY: 6,
  DATAGRAM: 7,
  ERROR: 8,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const ICMP_REPLIES: readonly number[] = [0, 14, 16, 18];
const ICMP_QUERIES: readonly number[] = [8, 13, 15, 17];

const ICMP_KINDS = new Uint8Array(256);
for (const type of ICMP_REPLIES) ICMP_KINDS[type] = Kind.REPLY;
for (const type of ICMP_QUERIES) ICMP_KINDS[type] = Kind.QUERY;
for (const type of ICMP_ERROR_TYPES) ICMP_KINDS[type] = Kind.ERROR;

/** Chunk types of SCTP (RFC 9260, section 3.2). */
const SCTP_INIT = 1;
const SCTP_INIT_ACK = 2;
const SCTP_ABORT = 6;

export class CapturedPacket {
  /** The tuple as captured; of a fragment other than the first, without ports (`ports` is 0). */
  readonly tuple = new Tuple();
  kind: Kind = Kind.NONE;
  /** Whether it is a fragment, and one other than the first, which has no ports. */
  isFragment = false;
  isLaterFragment = false;
  /** What tells conversations between two addresses apart: both ports; of ICMP the ID and the sequence number. */
  conversationPorts = 0;
  /** TCP: the sequence number, the one after the packet's data, and what it acknowledges (SCTP: 0). */
  sequence = 0;
  end = 0;
  acknowledgment = 0;
  hasAcknowledgment = false;

  /** Reads the IPv4 packet at AT, of which AVAILABLE bytes are present. */
  read(view: DataView, at: number, available: number): void {
    const { tuple } = this;
    this.kind = Kind.NONE;
    this.isFragment = false;
    this.isLaterFragment = false;
    this.hasAcknowledgment = false;
    this.conversationPorts = 0;
    const headerLength = (view.getUint8(at) & 15) * 4;
    tuple.source = view.getInt32(at + IPV4_SOURCE_AT, true);
    tuple.destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    tuple.protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    tuple.ports = 0;
    if (headerLength < IPV4_LENGTH || headerLength > available) return;
    const fragment = view.getUint16(at + IPV4_FRAGMENT_AT);
    this.isFragment = (fragment & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
    if ((fragment & IPV4_OFFSET_MASK) !== 0) this.isLaterFragment = true;
    else if (tuple.read(view, at, available)) this.#readHeader(view, at + headerLength, at, available);
  }

  /** Makes this packet, which the answering side of ENTRY sent, one that the opener got. */
  setReplyAsCaptured(translations: Translations, entry: number): void {
    const { tuple } = this;
    translations.replyAsCaptured(entry, tuple);
    if (tuple.protocol === IPPROTO_ICMP)
      this.conversationPorts = (this.conversationPorts & ~0xffff) | (tuple.ports & 0xffff);
    else if (tuple.protocol !== IPPROTO_GRE) this.conversationPorts = tuple.ports;
  }

  #readHeader(view: DataView, l4: number, at: number, available: number): void {
    const { tuple } = this;
    const present = at + available - l4;
    const length = view.getUint16(at + IPV4_TOTAL_LENGTH_AT) - (l4 - at);
    this.conversationPorts = tuple.ports;
    this.sequence = 0;
    this.end = 0;
    switch (tuple.protocol) {
      case IPPROTO_TCP:
        this.kind = present < TCP_LENGTH ? Kind.NONE : this.#readSegment(view, l4, length);
        break;
      case IPPROTO_ICMP: {
        this.kind = ICMP_KINDS[view.getUint8(l4 + ICMP_TYPE_AT)] as Kind;
        // Each query and its reply count as a conversation of their own: what a reply answers is known.
        this.conversationPorts = present < ICMP_LENGTH ? 0 : view.getInt32(l4 + ICMP_ID_AT, true);
        break;
      }
      case IPPROTO_SCTP:
        this.kind = present <= SCTP_LENGTH ? Kind.NONE : kindOfChunk(view.getUint8(l4 + SCTP_LENGTH));
        break;
      case IPPROTO_GRE:
        // A packet carries only the key of its receiver.
        this.conversationPorts = 0;
        this.kind = Kind.DATAGRAM;
        break;
      default:
        this.kind = Kind.DATAGRAM;
    }
  }

  #readSegment(view: DataView, l4: number, length: number): Kind {
    const flags = view.getUint8(l4 + TCP_FLAGS_AT);
    const headerLength = (view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) * 4;
    const counted = Math.max(0, length - headerLength) + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
    this.sequence = view.getInt32(l4 + TCP_SEQUENCE_AT);
    this.end = (this.sequence + counted) | 0;
    this.acknowledgment = view.getInt32(l4 + TCP_ACKNOWLEDGMENT_AT);
    this.hasAcknowledgment = (flags & TCP_ACK) !== 0;
    if ((flags & TCP_RST) !== 0) return Kind.RESET;
    if ((flags & TCP_SYN) === 0) return Kind.LATER;
    return this.hasAcknowledgment ? Kind.ANSWER : Kind.OPENER;
  }
}

function kindOfChunk(type: number): Kind {
  if (type === SCTP_INIT) return Kind.OPENER;
  if (type === SCTP_INIT_ACK) return Kind.ANSWER;
  return type === SCTP_ABORT ? Kind.RESET : Kind.LATER;
}

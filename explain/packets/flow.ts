/** The two ends of a flow, each with what it knows: with NAT between them, they know each other by other addresses. */
import {
  ICMP_CODE_AT,
  ICMP_ID_AT,
  ICMP_SEQUENCE_AT,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  TCP_ACKNOWLEDGMENT_AT,
  TCP_DATA_OFFSET_AT,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_SEQUENCE_AT,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { hasPorts } from '../../codecs/sentence/sentence.js';
import type { PacketSpec } from './build-packet.js';

/** How the packets of somebody get into the host. */
export interface Entry {
  /** The interface that they arrive on; undefined: the host itself sends them. */
  readonly dev: string | undefined;
  /** The Ethernet header in front of them; undefined: they have none. */
  readonly header: Uint8Array | undefined;
  /** The host sends them by a socket that is bound to their source. */
  readonly isSourced: boolean;
}

/** What is read of a packet. Addresses and ports are in host order; 0: it has none. */
export type SeenPacket = Pick<
  PacketSpec,
  'protocol' | 'source' | 'destination' | 'sport' | 'dport' | 'flags' | 'sequence' | 'acknowledgment' | 'icmp' | 'query'
> & {
  /** The sequence number behind it: SYN and FIN count. */
  readonly nextSequence: number;
};

/** Reads the whole IPv4 packet in BYTES, which is no later fragment. */
export function readSeenPacket(bytes: Uint8Array): SeenPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const protocol = view.getUint8(IPV4_PROTOCOL_AT);
  const l4 = (view.getUint8(0) & 15) << 2;
  const withPorts = hasPorts(protocol);
  const isTcp = protocol === IPPROTO_TCP;
  const isIcmp = protocol === IPPROTO_ICMP;
  const flags = isTcp ? view.getUint8(l4 + TCP_FLAGS_AT) : 0;
  const sequence = isTcp ? view.getUint32(l4 + TCP_SEQUENCE_AT) : 0;
  const dataBytes = isTcp ? bytes.length - l4 - ((view.getUint8(l4 + TCP_DATA_OFFSET_AT) >> 4) << 2) : 0;
  const counted = dataBytes + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
  return {
    protocol,
    source: view.getUint32(IPV4_SOURCE_AT),
    destination: view.getUint32(IPV4_DESTINATION_AT),
    sport: withPorts ? view.getUint16(l4) : 0,
    dport: withPorts ? view.getUint16(l4 + 2) : 0,
    flags,
    sequence,
    acknowledgment: isTcp ? view.getUint32(l4 + TCP_ACKNOWLEDGMENT_AT) : 0,
    nextSequence: (sequence + counted) >>> 0,
    icmp: isIcmp
      ? { type: view.getUint8(l4 + ICMP_TYPE_AT), code: view.getUint8(l4 + ICMP_CODE_AT) }
      : { type: 0, code: 0 },
    query: isIcmp
      ? { id: view.getUint16(l4 + ICMP_ID_AT), sequence: view.getUint16(l4 + ICMP_SEQUENCE_AT) }
      : { id: 0, sequence: 0 },
  };
}

/** Where a server's sequence numbers start. */
const SERVER_SEQUENCE = 5000;

/** One end of a flow. */
export class FlowEnd {
  readonly protocol: number;
  /** Its own address and port, and those by which it knows the other end. */
  readonly address: number;
  readonly port: number;
  readonly peer: number;
  readonly peerPort: number;
  readonly entry: Entry;
  /** Of what it sends next, and of what it expects. */
  sequence: number;
  acknowledgment = 0;
  query = { id: 1, sequence: 1 };

  constructor(
    protocol: number,
    own: readonly [address: number, port: number],
    peer: readonly [number, number],
    entry: Entry,
  ) {
    this.protocol = protocol;
    [this.address, this.port] = own;
    [this.peer, this.peerPort] = peer;
    this.entry = entry;
    this.sequence = SERVER_SEQUENCE;
  }

  /** The end that sends PACKET. */
  static senderOf(packet: SeenPacket, entry: Entry): FlowEnd {
    const { protocol, source, sport, destination, dport } = packet;
    return new FlowEnd(protocol, [source, sport], [destination, dport], entry);
  }

  /** The end that PACKET reached. */
  static receiverOf(packet: SeenPacket, entry: Entry): FlowEnd {
    const { protocol, source, sport, destination, dport } = packet;
    return new FlowEnd(protocol, [destination, dport], [source, sport], entry);
  }

  sent({ nextSequence, query }: SeenPacket): void {
    this.sequence = nextSequence;
    this.query = query;
  }

  received({ nextSequence, query }: SeenPacket): void {
    this.acknowledgment = nextSequence;
    this.query = query;
  }

  /** Whether it would take PACKET to be from the other end. */
  expects({ protocol, source, sport, destination, dport }: SeenPacket): boolean {
    return this.isEnd(protocol, [destination, dport], [source, sport]);
  }

  /** Whether it would send PACKET. */
  sends({ protocol, source, sport, destination, dport }: SeenPacket): boolean {
    return this.isEnd(protocol, [source, sport], [destination, dport]);
  }

  private isEnd(protocol: number, own: readonly [number, number], peer: readonly [number, number]): boolean {
    return (
      this.protocol === protocol &&
      this.address === own[0] &&
      this.port === own[1] &&
      this.peer === peer[0] &&
      this.peerPort === peer[1]
    );
  }
}

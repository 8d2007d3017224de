/** hot: the one packet record, reused for every packet of a run. */
import {
  DESTINATION_PORT_AT,
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_CHECKSUM_AT,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TTL_AT,
  PORTS_LENGTH,
  SOURCE_PORT_AT,
  TCP_DATA_OFFSET_AT,
} from '../codecs/layouts.js';
import type { DropCause } from './drop.js';
import { Hook } from './hooks.js';

/** How the frame was addressed on its link (PACKET_* of linux/if_packet.h). */
export const PacketType = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3 } as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** What conntrack says of a packet: the entry's relation to it, without the direction (enum ip_conntrack_info). */
export const CtInfo = { ESTABLISHED: 0, RELATED: 1, NEW: 2, INVALID: 3, UNTRACKED: 4 } as const;
export type CtInfo = (typeof CtInfo)[keyof typeof CtInfo];

/** Directions of a connection: that of the packet which opened it, and the other. */
export const ORIGINAL = 0;
export const REPLY = 1;
export type Direction = typeof ORIGINAL | typeof REPLY;

const NO_BYTES = new Uint8Array(0);

/**
 * An IPv4 packet on its way through the host, where its bytes are, and what the host remembers of it (the kernel's skb).
 *
 * `bytes` and `view` are two views of one buffer, in which the packet may be rewritten in place. The addresses and ports
 * here are copies of those in the bytes: call `reload` after rewriting those.
 */
export class Packet {
  bytes: Uint8Array = NO_BYTES;
  view: DataView = new DataView(NO_BYTES.buffer);
  /** Where the IP header starts. */
  at = 0;
  /** The IP header's total length, in bytes. */
  length = 0;
  /** How many of these bytes are there: fewer than `length` if a snaplen cut the packet. */
  available = 0;
  /** Length of the IP header with its options, in bytes. */
  headerLength = 0;
  /** Where the layer-4 header starts: `at + headerLength`. */
  l4 = 0;
  protocol = 0;
  /** Source and destination address, as loaded little-endian (int32). */
  source = 0;
  destination = 0;
  /** Offset of this fragment in bytes, 0 for a whole packet or a first fragment. */
  fragmentOffset = 0;
  /** Ports in host order; -1 if the protocol has none, in a later fragment, or if a snaplen cut them off. */
  sport = -1;
  dport = -1;

  /** Interface indexes, -1: none. */
  inDev = -1;
  outDev = -1;
  /** The hook that the packet is in. */
  hook: Hook = Hook.PREROUTING;
  type: PacketType = PacketType.HOST;
  /** The source MAC address of the frame that it arrived in, as a number of 48 bits; -1: none. */
  sourceMac = -1;
  /** The packet mark (-j MARK), an int32. */
  mark = 0;
  /** The conntrack entry, -1: none; the packet's direction in it; and what conntrack says of the packet. */
  ct = -1;
  direction: Direction = ORIGINAL;
  ctinfo: CtInfo = CtInfo.INVALID;
  /** Set by a match that finds the packet malformed: it is dropped at once (xt_action_param.hotdrop). */
  hotdrop = false;
  /** What dropped it; set by what does, before it says so. */
  dropCause: DropCause | null = null;
  /** Whether NAT has changed its destination, and what that was then. */
  isTranslated = false;
  untranslatedDestination = 0;
  untranslatedDport = -1;
  /** Milliseconds since the first packet of the run. */
  nowMs = 0;
  /** The packet was made or sent by this host itself. */
  isLocal = false;
  /** Its route (skb_dst): the interface, and the address whose MAC the frame gets. `outDev` is what rules see. */
  routeDev = -1;
  nextHop = 0;
  /** According to its route it is for this host; its destination is a broadcast or multicast address. */
  isForHost = false;
  isToMany = false;
  /** Its IP options were read when it arrived; what they ask for is kept with the packet stack. */
  hasTakenOptions = false;
  /**
   * The kernel leaves its TCP checksum to the device that sends it (CHECKSUM_PARTIAL): until then, and for receivers
   * over lo, the field holds the sum of the pseudo header. Here the bytes hold the finished checksum; see `unfinishChecksum`.
   */
  hasUnfinishedChecksum = false;
  /** A broadcast, or a multicast that it has joined, sent by the host itself: a copy comes back to it. */
  loopsBack = false;
  /** REJECT has answered it. */
  isRejected = false;
  /** Of a reassembled packet: the size of its largest fragment, and whether that one had DF (IPCB frag_max_size). */
  fragmentMaxSize = 0;
  fragmentHadDf = false;
  /** Of a reassembled packet: how many bytes after the IP header were rewritten, which changes how it is fragmented again. */
  rewrittenLength = 0;

  /** Length of everything after the IP header, in bytes, as the header says (more than is there if a snaplen cut the packet). */
  get l4Length(): number {
    return this.length - this.headerLength;
  }

  /** How many bytes after the IP header are there. */
  get l4Available(): number {
    return this.available - this.headerLength;
  }

  /** Whether a snaplen cut this packet. */
  get isCut(): boolean {
    return this.available < this.length;
  }

  /** Read addresses, ports and the fragment offset from the bytes again. `at`, `length`, `available`, `headerLength` are set already. */
  reload(): void {
    const { view, at } = this;
    this.l4 = at + this.headerLength;
    this.protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
    this.source = view.getInt32(at + IPV4_SOURCE_AT, true);
    this.destination = view.getInt32(at + IPV4_DESTINATION_AT, true);
    this.fragmentOffset = (view.getUint16(at + IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) << 3;
    if (this.fragmentOffset === 0 && hasPorts(this.protocol) && this.l4Available >= PORTS_LENGTH) {
      this.sport = view.getUint16(this.l4 + SOURCE_PORT_AT);
      this.dport = view.getUint16(this.l4 + DESTINATION_PORT_AT);
    } else {
      this.sport = -1;
      this.dport = -1;
    }
  }
}

/** Length of PACKET's TCP header with its options, in bytes, as its data offset says, which must be there. */
export function tcpHeaderLength({ bytes, l4 }: Packet): number {
  return (bytes[l4 + TCP_DATA_OFFSET_AT] >> 4) << 2;
}

/** Whether the first four bytes of PROTOCOL's header are a source and a destination port. */
export function hasPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP ||
    protocol === IPPROTO_UDP ||
    protocol === IPPROTO_SCTP ||
    protocol === IPPROTO_UDPLITE ||
    protocol === IPPROTO_DCCP
  );
}

/** One less in TTL for the IP header at AT (ip_decrease_ttl): the checksum follows, and never becomes ffff. */
export function decrementTtl(view: DataView, at: number): void {
  view.setUint8(at + IPV4_TTL_AT, view.getUint8(at + IPV4_TTL_AT) - 1);
  const checksum = view.getUint16(at + IPV4_CHECKSUM_AT, true) + 1;
  view.setUint16(at + IPV4_CHECKSUM_AT, checksum >= 0xffff ? checksum + 1 : checksum, true);
}

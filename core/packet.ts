/** hot: the packet record, reused for every packet. */
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
import type { FragmentGeometry } from './fragments/geometry.js';
import { Hook } from './hooks.js';
import { NO_SOCKET } from './host/socket-numbers.js';
import type { Reason } from './reasons.js';

/** How a frame was addressed on its link (PACKET_* in linux/if_packet.h). */
export const PacketType = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3 } as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** Conntrack's result: the packet's relation to its entry, without the direction (enum ip_conntrack_info). */
export const CtInfo = { ESTABLISHED: 0, RELATED: 1, NEW: 2, INVALID: 3, UNTRACKED: 4 } as const;
export type CtInfo = (typeof CtInfo)[keyof typeof CtInfo];

/** The directions of a connection: that of the packet that opened it, and the reverse. */
export const ORIGINAL = 0;
export const REPLY = 1;
export type Direction = typeof ORIGINAL | typeof REPLY;

const NO_BYTES = new Uint8Array(0);

/** A queued packet went on to the next entry of its hook, or was dropped for a reason. */
export type QueueFate = '' | 'passed' | Extract<Reason, `queue-${string}`>;

/**
 * An IPv4 packet in the host: its bytes, and the state the host keeps about it (the kernel's skb).
 *
 * `bytes` and `view` are views of the same buffer, and the packet may be rewritten in place. The addresses and ports
 * here are copies of those in the bytes: call `reload` after rewriting them.
 */
export class Packet {
  bytes: Uint8Array = NO_BYTES;
  view: DataView = new DataView(NO_BYTES.buffer);
  /** Offset of the IP header. */
  at = 0;
  /** The IP header's total length, in bytes. */
  length = 0;
  /** Number of bytes present: less than `length` if truncated by a snaplen. */
  available = 0;
  /** Length of the IP header including options, in bytes. */
  headerLength = 0;
  /** Offset of the layer-4 header: `at + headerLength`. */
  l4 = 0;
  protocol = 0;
  /** Source and destination address, as loaded little-endian (int32). */
  source = 0;
  destination = 0;
  /** Offset of this fragment in bytes; 0 for an unfragmented packet or a first fragment. */
  fragmentOffset = 0;
  /**
   * Ports in host order; -1 if the protocol has none, in fragments other than the first, or if cut off by a snaplen.
   */
  sport = -1;
  dport = -1;

  /** Interface indexes; -1 if there is none. */
  inDev = -1;
  outDev = -1;
  /** The current hook. */
  hook: Hook = Hook.PREROUTING;
  type: PacketType = PacketType.HOST;
  /**
   * The source MAC address of the frame that it arrived in: the upper 16 bits (-1: none) and the lower 32, as an int32.
   * V8 makes an object of each number of 48 bits.
   */
  sourceMacHigh = -1;
  sourceMacLow = -1;
  /** The frame's destination MAC address; valid if it has a source. */
  destinationMacHigh = 0;
  destinationMacLow = 0;
  /** The packet mark (-j MARK), an int32. */
  mark = 0;
  /** The conntrack entry (-1 if there is none), the packet's direction in it, and its ctinfo. */
  ct = -1;
  direction: Direction = ORIGINAL;
  ctinfo: CtInfo = CtInfo.INVALID;
  /** It is tracked whatever rules say, as it answers an untracked packet (nf_conntrack_attach) or has a template. */
  isAttached = false;
  /** Set by a match for a malformed packet, which is then dropped immediately (xt_action_param.hotdrop). */
  hotdrop = false;
  /** The cause of a drop. Set by whatever drops the packet. */
  dropCause: DropCause | null = null;
  /** Whether NAT has changed its destination, and the original destination. */
  isTranslated = false;
  untranslatedDestination = 0;
  untranslatedDport = -1;
  /** Milliseconds since the first packet. */
  nowMs = 0;
  /** The packet was sent by this host. */
  isLocal = false;
  /** The socket that it was sent from, or is for (skb->sk): its index, or a number of core/host/socket-numbers.ts. */
  socket: number = NO_SOCKET;
  /** Its route (skb_dst): the interface, and the address to resolve to a MAC. Rules see `outDev`. */
  routeDev = -1;
  nextHop = 0;
  /** The MAC of a gateway with an IPv6 address. */
  nextHopMac: Uint8Array | undefined = undefined;
  /** The largest packet on its route, in bytes. */
  routeMtu = 0;
  /** The realms of its route: that of its source in the upper 16 bits, of its destination in the lower. An int32. */
  realms = 0;
  /** According to its route, it is addressed to this host; its destination is a broadcast or multicast address. */
  isForHost = false;
  isToMany = false;
  /** Its IP options were processed on arrival. The result is kept in the packet stack. */
  hasTakenOptions = false;
  /**
   * Its sender left the layer-4 checksum to the device that transmits the packet (CHECKSUM_PARTIAL). Until then, and
   * for receivers in this host, the field is unfinished. Here the bytes have the final checksum, unless the packet is
   * cut; see core/offload/checksums.ts.
   */
  hasUnfinishedChecksum = false;
  /** Its layer-4 checksum is taken as good without being verified. */
  hasTrustedChecksum = false;
  /** Its IP header says how long it is. */
  hasTotalLength = true;
  /** It stands for several packets on a wire (core/offload/segments.ts). */
  isCoalesced = false;
  /** How long these are at most, with their IP header; 0: it is sent as one packet, or this is not decided yet. */
  segmentLength = 0;
  /** A broadcast, or multicast to a joined group, sent by the host itself: a copy loops back to it. */
  loopsBack = false;
  /** REJECT has answered it. */
  isRejected = false;
  /** TRACE has marked it: the rules that it matches are logged (nf_trace). */
  isTraced = false;
  /** For a copy made by TEE: the interface towards its gateway; else -1. */
  teeDev = -1;
  /** For such a copy: the IP options had been processed on arrival. */
  hadTakenOptions = false;
  /** What NFQUEUE made of it: '' if no rule has queued it. */
  queueFate: QueueFate = '';
  /** For a reassembled packet: the size of its largest fragment, and whether that one had DF (IPCB frag_max_size). */
  fragmentMaxSize = 0;
  fragmentHadDf = false;
  /** For a reassembled packet: its fragments, until the host reassembles another one. */
  fragments: FragmentGeometry | undefined = undefined;
  /**
   * For a reassembled packet: how many bytes after the IP header were rewritten, which affects how it is fragmented
   * again.
   */
  rewrittenLength = 0;

  /** The source MAC address of the frame that it arrived in, as a number of 48 bits; -1: none. */
  get sourceMac(): number {
    return this.sourceMacHigh * 2 ** 32 + (this.sourceMacLow >>> 0);
  }

  /** The destination MAC address of that frame. */
  get destinationMac(): number {
    return this.destinationMacHigh * 2 ** 32 + (this.destinationMacLow >>> 0);
  }

  set sourceMac(address: number) {
    this.sourceMacHigh = Math.floor(address / 2 ** 32);
    this.sourceMacLow = address | 0;
  }

  /** Length of the IP payload in bytes, according to the header (more than available if truncated by a snaplen). */
  get l4Length(): number {
    return this.length - this.headerLength;
  }

  /** Number of bytes available after the IP header. */
  get l4Available(): number {
    return this.available - this.headerLength;
  }

  /** Whether the packet was truncated by a snaplen. */
  get isCut(): boolean {
    return this.available < this.length;
  }

  /**
   * Reloads addresses, ports and fragment offset from the bytes. `at`, `length`, `available` and `headerLength` must
   * already be set.
   */
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

/** Length of PACKET's TCP header including options, in bytes, from its data offset, which must be present. */
export function tcpHeaderLength({ bytes, l4 }: Packet): number {
  return (bytes[l4 + TCP_DATA_OFFSET_AT] >> 4) << 2;
}

/** Whether PROTOCOL's header starts with a source and a destination port. */
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

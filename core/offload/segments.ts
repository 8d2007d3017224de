/**
 * hot: coalesced frames. Linux merges arriving segments of a connection (GRO), and leaves it to the network card to
 * cut what it sends (TSO, USO), so a capture holds frames longer than any that were on a wire. Rules, counters and
 * conntrack see one packet. Its segments are what the MTU is compared with, and what leaves by an interface.
 *
 * A capture does not say how long the segments are. It is concluded from the connection.
 */
import { IPPROTO_TCP, IPPROTO_UDP, TCP_LENGTH, UDP_LENGTH } from '../../codecs/layouts.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { isFragment } from '../decode.js';
import { hasDontFragment } from '../flow/traversal.js';
import { exceedsMtu, type FragmentAction, fragmentAction } from '../fragments/fragment.js';
import type { Interface } from '../host/interfaces.js';
import { type Packet, tcpHeaderLength } from '../packet.js';
import { protocolOf } from '../protocols/registry.js';
import { handshakeMss, isMssByRule, largestSent } from '../protocols/segment-size.js';
import type { ChecksumMode } from './checksums.js';

/** A smaller size is not that of full segments, but of what an application writes (RFC 9293, section 3.7.1). */
const SMALLEST_FULL_BYTES = 536;

/** Coalesced frames of which the size of segments had to be known, by what it was concluded from. */
export interface CoalescedCounts {
  /** The MSS in the handshake. */
  readonly handshake: number;
  /** The longest packet of the connection's direction that was not coalesced. */
  readonly seen: number;
  /** Nothing but the MTU of the interface. */
  readonly mtu: number;
  /** Of all these, the UDP datagrams. */
  readonly datagrams: number;
}

/** Recognizes coalesced frames, and decides how long their segments are. */
export class Coalescing implements CoalescedCounts {
  handshake = 0;
  seen = 0;
  mtu = 0;
  datagrams = 0;
  /** Whether frames may be coalesced at all. */
  readonly isOn: boolean;
  /** By interface. */
  #mtus: Int32Array;
  readonly #table: ConntrackTable;

  constructor(mode: ChecksumMode, interfaces: readonly Interface[], table: ConntrackTable) {
    this.isOn = mode !== 'verify';
    this.#mtus = Int32Array.from(interfaces, ({ mtu }) => mtu);
    this.#table = table;
  }

  /** From now on, the host has these interfaces. */
  useInterfaces(interfaces: readonly Interface[]): void {
    this.#mtus = Int32Array.from(interfaces, ({ mtu }) => mtu);
  }

  /** Marks PACKET if it is coalesced: too long for the interface it arrived or will leave by, or without a length. */
  mark(packet: Packet): void {
    if ((packet.length <= this.#wireMtu(packet) && packet.hasTotalLength) || !this.mayBeCoalesced(packet)) return;
    if (this.#mostData(packet) <= 0) return;
    packet.isCoalesced = true;
    // Each segment gets a new checksum.
    packet.hasTrustedChecksum = true;
  }

  /** Whether PACKET consists of something that Linux coalesces. */
  mayBeCoalesced(packet: Packet): boolean {
    if (!this.isOn || packet.fragmentMaxSize > 0 || isFragment(packet) || dataLength(packet) <= 0) return false;
    return packet.protocol !== IPPROTO_UDP || !isWholeDatagram(packet);
  }

  /** `exceedsMtu`, of the segments if PACKET is coalesced. */
  exceedsMtu(packet: Packet, mtu: number): boolean {
    if (packet.length <= mtu) return false;
    this.#decide(packet);
    return exceedsMtu(packet, mtu);
  }

  /** `fragmentAction`, of the segments if PACKET is coalesced. */
  actionFor(packet: Packet, mtu: number): FragmentAction {
    this.settle(packet, mtu);
    return fragmentAction(packet, mtu);
  }

  /** Decides how long the segments of PACKET are, which leaves where this MTU is, while its connection is known. */
  settle(packet: Packet, mtu: number): void {
    if (packet.isCoalesced || packet.length > mtu) this.#decide(packet);
  }

  /**
   * Sets the length of the segments of PACKET if it is coalesced. A packet that is only too long for where it leaves is
   * so if it has more data than the handshake permits in one segment. But where a rule has lowered the MSS, it is
   * rather from a sender that did not see that, in a capture that was taken without the rule.
   */
  #decide(packet: Packet): void {
    if (packet.segmentLength > 0 || (!packet.isCoalesced && !this.mayBeCoalesced(packet))) return;
    const data = dataLength(packet);
    const headers = packet.length - data;
    const isTcp = packet.protocol === IPPROTO_TCP;
    const mss = isTcp ? handshakeMss(this.#table, packet.ct) : 0;
    const known = mss - (packet.length - data - packet.headerLength - TCP_LENGTH);
    if (!packet.isCoalesced && (mss === 0 || data <= known || isMssByRule(this.#table, packet.ct))) return;
    const most = this.#mostData(packet);
    if (most <= 0) return;
    const seen = mss > 0 ? 0 : largestSent(this.#table, packet.ct, packet.direction, packet.protocol);
    let size = most;
    if (mss > 0 && known > 0 && known <= most) {
      size = known;
      this.handshake++;
    } else if (seen >= SMALLEST_FULL_BYTES && seen <= most) {
      size = seen;
      this.seen++;
    } else this.mtu++;
    if (!isTcp) this.datagrams++;
    packet.segmentLength = headers + size;
  }

  /** How much data a segment of PACKET can have; none if its headers alone fill the MTU: then nobody has cut it. */
  #mostData(packet: Packet): number {
    return this.#wireMtu(packet) - (packet.length - dataLength(packet));
  }

  /** The MTU that the segments of PACKET did fit, or will have to if the host itself sends it. */
  #wireMtu(packet: Packet): number {
    return this.#mtus[packet.isLocal || packet.inDev < 0 ? packet.routeDev : packet.inDev];
  }
}

/**
 * Whether PACKET is one UDP datagram, however long: a bridge with br_netfilter has reassembled it, so a capture of the
 * bridge shows it whole. It may be fragmented, and its checksum is finished; that of segments never is.
 */
function isWholeDatagram(packet: Packet): boolean {
  if (!packet.hasTotalLength || hasDontFragment(packet) || packet.hasUnfinishedChecksum) return false;
  return protocolOf(IPPROTO_UDP).offload?.isUnfinished(packet) !== true;
}

/** The bytes of data after the TCP or UDP header of PACKET; -1 if there is no such header. */
function dataLength(packet: Packet): number {
  const { protocol, l4Length, l4Available } = packet;
  if (protocol === IPPROTO_UDP && l4Available >= UDP_LENGTH) return l4Length - UDP_LENGTH;
  if (protocol !== IPPROTO_TCP || l4Available < TCP_LENGTH) return -1;
  const headerLength = tcpHeaderLength(packet);
  return headerLength < TCP_LENGTH || headerLength > l4Available ? -1 : l4Length - headerLength;
}

/**
 * The packets being processed at the same time: the one received, the answer to it, the answer to that answer… Each
 * level has its own record and, above the first, its own buffer, so that nothing is allocated per packet.
 */
import { IpOptions } from './answers/ip-options.js';
import { resetPacket } from './decode.js';
import { Packet } from './packet.js';

/**
 * An answer may be rejected on its way out, and what comes back over lo may be answered. Errors are never sent about
 * errors.
 */
const MAX_DEPTH = 8;
/** Room for an Ethernet header before packets built by the host. */
const HEADROOM = 64;
const LARGEST_PACKET = 0xffff;

export class PacketStack {
  /** 0 for the received packet. */
  depth = 0;
  /**
   * The depth of the packet that determines the outcome of the received one. Above 0: of a piece of it that comes back
   * over lo.
   */
  outermost = 0;
  readonly #packets = Array.from({ length: MAX_DEPTH }, () => new Packet());
  readonly #options = Array.from({ length: MAX_DEPTH }, () => new IpOptions());
  readonly #bytes: Uint8Array[] = [];
  readonly #views: DataView[] = [];

  /** The record of the received packet. */
  get first(): Packet {
    return this.#packets[0];
  }

  /** The IP options of the top packet. */
  get options(): IpOptions {
    return this.#options[this.depth];
  }

  get isOutermost(): boolean {
    return this.depth === this.outermost;
  }

  /** Pushes an empty packet with room for 65535 bytes at its `at`. The caller must pop it. */
  push(nowMs: number): Packet {
    this.depth++;
    if (this.depth >= MAX_DEPTH) throw new Error('endless chain of answers to answers');
    const packet = this.#packets[this.depth];
    this.#bytes[this.depth] ??= new Uint8Array(HEADROOM + LARGEST_PACKET);
    const bytes = this.#bytes[this.depth];
    this.#views[this.depth] ??= new DataView(bytes.buffer);
    resetPacket(packet, bytes, this.#views[this.depth], HEADROOM, 0);
    packet.nowMs = nowMs;
    return packet;
  }

  /** Pushes a copy of PACKET. */
  pushCopy(packet: Packet): Packet {
    return this.pushPiece(packet, packet.bytes.subarray(packet.at, packet.at + packet.available), packet.length);
  }

  /**
   * Pushes a fragment of PACKET. BYTES are its available bytes, with an IP header as long as PACKET's. Its total length
   * is LENGTH.
   */
  pushPiece(packet: Packet, bytes: Uint8Array, length: number): Packet {
    const copy = this.push(packet.nowMs);
    copy.bytes.set(bytes, copy.at);
    copy.length = length;
    copy.available = bytes.length;
    copy.headerLength = packet.headerLength;
    copy.reload();
    copy.inDev = packet.inDev;
    copy.type = packet.type;
    copy.mark = packet.mark;
    copy.ct = packet.ct;
    copy.direction = packet.direction;
    copy.ctinfo = packet.ctinfo;
    copy.isLocal = packet.isLocal;
    copy.socket = packet.socket;
    copy.realms = packet.realms;
    copy.routeDev = packet.routeDev;
    copy.nextHop = packet.nextHop;
    copy.nextHopMac = packet.nextHopMac;
    copy.routeMtu = packet.routeMtu;
    copy.isForHost = packet.isForHost;
    copy.isToMany = packet.isToMany;
    copy.isTranslated = packet.isTranslated;
    copy.untranslatedDestination = packet.untranslatedDestination;
    copy.untranslatedDport = packet.untranslatedDport;
    copy.hasUnfinishedChecksum = packet.hasUnfinishedChecksum;
    copy.hasTrustedChecksum = packet.hasTrustedChecksum;
    copy.isTraced = packet.isTraced;
    copy.isCoalesced = packet.isCoalesced;
    copy.segmentLength = packet.segmentLength;
    return copy;
  }

  /** Whether another packet under way belongs to the connection of PACKET, too. */
  sharesConnection(packet: Packet): boolean {
    for (let depth = 0; depth <= this.depth; depth++) {
      const other = this.#packets[depth];
      if (other !== packet && other.ct === packet.ct) return true;
    }
    return false;
  }

  pop(): void {
    this.depth--;
  }
}

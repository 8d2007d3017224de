/**
 * The packets that are on their way at once: the one that came in, the answer to it, the answer to that … Each level has
 * its own record, the ones above the first a buffer too, so that nothing is allocated for a packet.
 */
import { IpOptions } from './answers/ip-options.js';
import { resetPacket } from './decode.js';
import { Packet } from './packet.js';

/** An answer may be rejected on its way out, and what comes back over lo answered; errors about errors are never sent. */
const MAX_DEPTH = 8;
/** Room in front of a packet of the host's own making for an Ethernet header. */
const HEADROOM = 64;
const LARGEST_PACKET = 0xffff;

export class PacketStack {
  /** 0: the packet that came in. */
  depth = 0;
  readonly #packets = Array.from({ length: MAX_DEPTH }, () => new Packet());
  readonly #options = Array.from({ length: MAX_DEPTH }, () => new IpOptions());
  readonly #bytes: Uint8Array[] = [];
  readonly #views: DataView[] = [];

  /** The record of the packet that came in. */
  get first(): Packet {
    return this.#packets[0];
  }

  /** The IP options of the packet on top. */
  get options(): IpOptions {
    return this.#options[this.depth];
  }

  /** An empty packet one level up, with room for 65535 bytes at its `at`. Who pushes it pops it. */
  push(nowMs: number): Packet {
    this.depth++;
    if (this.depth >= MAX_DEPTH) throw new Error('answers to answers to answers without end');
    const packet = this.#packets[this.depth];
    this.#bytes[this.depth] ??= new Uint8Array(HEADROOM + LARGEST_PACKET);
    const bytes = this.#bytes[this.depth];
    this.#views[this.depth] ??= new DataView(bytes.buffer);
    resetPacket(packet, bytes, this.#views[this.depth], HEADROOM, 0);
    packet.nowMs = nowMs;
    return packet;
  }

  /** A copy of PACKET one level up. */
  pushCopy(packet: Packet): Packet {
    return this.pushPiece(packet, packet.bytes.subarray(packet.at, packet.at + packet.available), packet.length);
  }

  /** A fragment of PACKET one level up: BYTES of it are there, with an IP header as long as PACKET's; its total is LENGTH. */
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
    copy.routeDev = packet.routeDev;
    copy.nextHop = packet.nextHop;
    copy.isForHost = packet.isForHost;
    copy.isToMany = packet.isToMany;
    copy.isTranslated = packet.isTranslated;
    copy.untranslatedDestination = packet.untranslatedDestination;
    copy.untranslatedDport = packet.untranslatedDport;
    return copy;
  }

  pop(): void {
    this.depth--;
  }
}

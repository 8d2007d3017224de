/**
 * Packets whose next hop cannot be found, as their interface has no carrier. The kernel asks for its MAC address three
 * times; then their senders are told that the host is unreachable (ipv4_link_failure).
 */
import type { Interface } from '../host/interfaces.js';
import { NO_SOCKET } from '../host/socket-numbers.js';
import { CtInfo, Packet } from '../packet.js';

/** mcast_solicit times retrans_time_ms, of net.ipv4.neigh. */
const RESOLUTION_MS = 3000;
/** The kernel keeps as many bytes (unres_qlen_bytes); the oldest packets go. */
const MAX_WAITING = 100;

/** Those that wait for the same next hop. */
interface Waiting {
  readonly dev: number;
  readonly nextHop: number;
  readonly deadlineMs: number;
  readonly packets: Packet[];
}

export class Unresolved {
  /** In milliseconds since the first packet; Infinity if no packet waits. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** In the order of their deadlines. */
  #waiting: Waiting[] = [];

  /** Keeps a copy of PACKET, which leaves by an interface without carrier. */
  hold(packet: Packet): void {
    const { routeDev: dev, nextHop, nowMs } = packet;
    let waiting = this.#waiting.find((other) => other.dev === dev && other.nextHop === nextHop);
    if (waiting === undefined) {
      waiting = { dev, nextHop, deadlineMs: nowMs + RESOLUTION_MS, packets: [] };
      this.#waiting.push(waiting);
      this.#plan();
    }
    if (waiting.packets.push(copyOf(packet)) > MAX_WAITING) waiting.packets.shift();
  }

  /** Calls ON_FAILED with each packet that has waited long enough at NOW_MS. */
  expire(nowMs: number, onFailed: (packet: Packet) => void): void {
    while (nowMs >= this.nextDeadlineMs) {
      const { packets, deadlineMs } = this.#waiting.shift()!;
      this.#plan();
      for (const packet of packets) {
        packet.nowMs = deadlineMs;
        onFailed(packet);
      }
    }
  }

  /** The host has these INTERFACES now. What waits for one that went, or that has a carrier again, is forgotten. */
  useInterfaces(interfaces: readonly Interface[]): void {
    this.#waiting = this.#waiting.filter(({ dev }) => interfaces[dev].isPresent && interfaces[dev].isLinkDown);
    this.#plan();
  }

  #plan(): void {
    this.nextDeadlineMs = this.#waiting[0]?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }
}

/** A copy of what an error about PACKET is made of. It finds its connection again, if that still exists. */
function copyOf(packet: Packet): Packet {
  const copy = new Packet();
  const { at, available } = packet;
  copy.bytes = packet.bytes.slice(at, at + available);
  copy.view = new DataView(copy.bytes.buffer);
  copy.at = 0;
  copy.headerLength = packet.headerLength;
  copy.length = packet.length;
  copy.available = available;
  copy.reload();
  copy.inDev = packet.inDev;
  copy.type = packet.type;
  copy.mark = packet.mark;
  copy.isLocal = packet.isLocal;
  copy.isForHost = packet.isForHost;
  copy.isToMany = packet.isToMany;
  copy.hasTakenOptions = false;
  copy.socket = NO_SOCKET;
  copy.ct = -1;
  copy.ctinfo = packet.ctinfo === CtInfo.UNTRACKED ? CtInfo.UNTRACKED : CtInfo.INVALID;
  return copy;
}

/**
 * The host's sockets, which rules ask for and no capture holds: who sent a packet, and who it is for (inet_lookup,
 * udp4_lib_lookup). Sockets are known by their index in the description.
 */
import { type LoadedAddress, portToHostOrder } from '../../codecs/byte-order.js';
import { HostError } from '../../codecs/host/error.js';
import { RAW, type SocketDescription } from '../../codecs/host/sockets.js';
import {
  ICMP_LENGTH,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_DESTINATION_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  PORTS_LENGTH,
  TCP_LENGTH,
  UDP_LENGTH,
} from '../../codecs/layouts.js';
import { ORIGINAL_TUPLE, RECORD_WORDS, TUPLE_PORTS, TUPLE_SOURCE } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { CtInfo, type Packet, PacketType, REPLY, tcpHeaderLength } from '../packet.js';
import { noInterface } from './interfaces.js';
import { NO_SOCKET } from './socket-numbers.js';

/** A socket as packets are compared with it. */
interface Socket {
  readonly protocol: number;
  readonly state: SocketDescription['state'];
  /** As loaded little-endian; 0: any. */
  readonly local: LoadedAddress;
  readonly localPort: number;
  readonly remote: LoadedAddress;
  readonly remotePort: number;
  readonly isDual: boolean;
  /** Whether it is of IPv6 only. */
  readonly isForeign: boolean;
  /** -1: any. */
  readonly dev: number;
}

/** The ends of a packet as seen by its receiver: addresses as loaded, ports in host order. */
export interface SocketKey {
  protocol: number;
  source: LoadedAddress;
  sport: number;
  destination: LoadedAddress;
  dport: number;
  /** The interface that it came in on. */
  dev: number;
}

export class HostSockets {
  readonly descriptions: readonly SocketDescription[];
  readonly #sockets: readonly Socket[];
  /** Whether connected sockets of TCP and UDP take packets before these are routed. */
  readonly #takesTcp: boolean;
  readonly #takesUdp: boolean;
  readonly #key: SocketKey = { protocol: 0, source: 0, sport: 0, destination: 0, dport: 0, dev: -1 };

  /** Throws a HostError without a position. */
  constructor(
    descriptions: readonly SocketDescription[],
    names: readonly string[],
    settings: ReadonlyMap<string, number>,
  ) {
    this.descriptions = descriptions;
    this.#sockets = descriptions.map((one) => socketFrom(one, names));
    const isOn = (name: string): boolean => settings.get(`net.ipv4.${name}`) !== 0;
    const hasConnected = (protocol: number): boolean =>
      this.#sockets.some((socket) => socket.protocol === protocol && socket.remote !== 0);
    this.#takesTcp = isOn('ip_early_demux') && isOn('tcp_early_demux') && hasConnected(IPPROTO_TCP);
    this.#takesUdp = isOn('ip_early_demux') && isOn('udp_early_demux') && hasConnected(IPPROTO_UDP);
  }

  /** The socket that sent PACKET, which has its addresses of before any rule. */
  senderOf({ protocol, source, destination, sport, dport }: Packet): number {
    let best = NO_SOCKET;
    let bestScore = 0;
    for (const [i, socket] of this.#sockets.entries()) {
      const score = senderScore(socket, protocol, source, destination, sport, dport);
      if (score <= bestScore) continue;
      best = i;
      bestScore = score;
    }
    return best;
  }

  /** The connected socket that PACKET is for. */
  receiverOf(packet: Packet): number {
    if (!this.#takesTcp && !this.#takesUdp) return NO_SOCKET;
    const { protocol, type, l4Available, fragmentOffset } = packet;
    if (type !== PacketType.HOST || fragmentOffset !== 0) return NO_SOCKET;
    if (protocol === IPPROTO_TCP) {
      const isWhole = l4Available >= TCP_LENGTH && tcpHeaderLength(packet) >= TCP_LENGTH;
      return this.#takesTcp && isWhole ? this.established(this.keyOf(packet)) : NO_SOCKET;
    }
    if (protocol !== IPPROTO_UDP || !this.#takesUdp || l4Available < UDP_LENGTH) return NO_SOCKET;
    return this.established(this.keyOf(packet));
  }

  /** Whether a connected socket has an address of which IS_OWN says that it is not the host's. */
  hasForeign(isOwn: (address: LoadedAddress) => boolean): boolean {
    return this.#sockets.some(({ remote, local, isForeign }) => remote !== 0 && !isForeign && !isOwn(local));
  }

  /** The ends of PACKET. The record is reused by the next call. */
  keyOf({ protocol, source, sport, destination, dport, inDev }: Packet): SocketKey {
    const key = this.#key;
    key.protocol = protocol;
    key.source = source;
    key.sport = sport;
    key.destination = destination;
    key.dport = dport;
    key.dev = inDev;
    return key;
  }

  /**
   * The socket of this host that PACKET belongs to, or that the ICMP error PACKET is about (nf_sk_lookup_slow_v4). Of
   * the reply to a translated connection, the connection in CONNTRACK says whose it is.
   */
  of(packet: Packet, { words }: Pick<ConntrackTable, 'words'>): number {
    const { protocol, l4Available } = packet;
    const isError = protocol === IPPROTO_ICMP;
    if (packet.fragmentOffset !== 0) return NO_SOCKET;
    if (!isError && l4Available < (protocol === IPPROTO_TCP ? TCP_LENGTH : UDP_LENGTH)) return NO_SOCKET;
    const key = isError ? quotedKey(packet, this.keyOf(packet)) : this.keyOf(packet);
    if (key === undefined) return NO_SOCKET;
    const answered = isError ? CtInfo.RELATED : CtInfo.ESTABLISHED;
    if (packet.ct >= 0 && packet.ctinfo === answered && packet.direction === REPLY) {
      const record = packet.ct * RECORD_WORDS + ORIGINAL_TUPLE;
      key.destination = words[record + TUPLE_SOURCE];
      key.dport = portToHostOrder(words[record + TUPLE_PORTS]);
    }
    return this.find(key);
  }

  /** The connected socket for KEY: of TCP also one in TIME_WAIT (__inet_lookup_established). */
  established({ protocol, source, sport, destination, dport, dev }: SocketKey): number {
    return this.#sockets.findIndex(
      (socket) =>
        socket.protocol === protocol &&
        (socket.state === 'established' || socket.state === 'time-wait') &&
        socket.local === destination &&
        socket.localPort === dport &&
        socket.remote === source &&
        socket.remotePort === sport &&
        (socket.dev < 0 || socket.dev === dev),
    );
  }

  /** The listening socket of TCP for KEY. */
  listener(key: SocketKey): number {
    const own = this.#best((socket) => listenerScore(socket, key, key.destination));
    return own >= 0 ? own : this.#best((socket) => listenerScore(socket, key, 0));
  }

  /** The socket of UDP for KEY. */
  datagram(key: SocketKey): number {
    const own = this.#best((socket) => datagramScore(socket, key, key.destination));
    return own >= 0 ? own : this.#best((socket) => datagramScore(socket, key, 0));
  }

  /** The socket that KEY belongs to. */
  find(key: SocketKey): number {
    if (key.protocol === IPPROTO_UDP) return this.datagram(key);
    if (key.protocol !== IPPROTO_TCP) return NO_SOCKET;
    const connected = this.established(key);
    return connected >= 0 ? connected : this.listener(key);
  }

  /** Whether socket INDEX takes packets to any address of the host. */
  isWildcard(index: number): boolean {
    const { local, state } = this.#sockets[index];
    return local === 0 && state !== 'time-wait';
  }

  /** Whether socket INDEX has a remote end. */
  isConnected(index: number): boolean {
    return this.#sockets[index].remote !== 0;
  }

  #best(scoreOf: (socket: Socket) => number): number {
    let best = NO_SOCKET;
    let bestScore = 0;
    for (const [i, socket] of this.#sockets.entries()) {
      const score = scoreOf(socket);
      if (score <= bestScore) continue;
      best = i;
      bestScore = score;
    }
    return best;
  }
}

/** The types of ICMP errors. */
const ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** KEY with the ends of what the ICMP error PACKET quotes, which this host sent; undefined if there are none. */
function quotedKey({ bytes, l4, l4Available }: Packet, key: SocketKey): SocketKey | undefined {
  const quote = l4 + ICMP_LENGTH;
  if (l4Available < ICMP_LENGTH + IPV4_LENGTH || !ERRORS.includes(bytes[l4])) return undefined;
  const ports = quote + ((bytes[quote] & 15) << 2);
  if (ports + PORTS_LENGTH > l4 + l4Available) return undefined;
  key.protocol = bytes[quote + IPV4_PROTOCOL_AT];
  key.source = loadedAt(bytes, quote + IPV4_DESTINATION_AT);
  key.destination = loadedAt(bytes, quote + IPV4_SOURCE_AT);
  key.dport = (bytes[ports] << 8) | bytes[ports + 1];
  key.sport = (bytes[ports + 2] << 8) | bytes[ports + 3];
  return key;
}

function loadedAt(bytes: Uint8Array, at: number): LoadedAddress {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function socketFrom(description: SocketDescription, names: readonly string[]): Socket {
  const { path, protocol, state, local, localPort, remote, remotePort, isDual, dev } = description;
  const index = dev === undefined ? -1 : names.indexOf(dev);
  if (dev !== undefined && index < 0) throw new HostError(`${path}.dev`, noInterface(dev, names));
  const isForeign = [local, remote].some((address) => address?.family === 'ipv6');
  const loaded = (address: typeof local): LoadedAddress => (address?.family === 'ipv4' ? address.loaded : 0);
  return {
    protocol,
    state,
    local: loaded(local),
    localPort,
    remote: loaded(remote),
    remotePort,
    isDual,
    isForeign,
    dev: index,
  };
}

/** How well SOCKET fits as the sender of a packet; 0: not at all. */
function senderScore(
  socket: Socket,
  protocol: number,
  source: LoadedAddress,
  destination: LoadedAddress,
  sport: number,
  dport: number,
): number {
  if (socket.isForeign || socket.state === 'time-wait') return 0;
  if (socket.local !== 0 && socket.local !== source) return 0;
  if (socket.remote !== 0 && socket.remote !== destination) return 0;
  const fits = (socket.local !== 0 ? 2 : 0) + (socket.remote !== 0 ? 4 : 0);
  // A raw socket sends whatever it is told to.
  if (socket.protocol === RAW) return 1 + fits / 100;
  if (socket.protocol !== protocol || socket.localPort !== sport) return 0;
  if (socket.remotePort !== 0 && socket.remotePort !== dport) return 0;
  return 2 + fits;
}

/** compute_score of TCP: one for an interface, one for being of IPv4. LOCAL: 0 for any address. */
function listenerScore(socket: Socket, { protocol, dport, dev }: SocketKey, local: LoadedAddress): number {
  if (socket.protocol !== protocol || socket.state !== 'listening' || socket.isForeign) return 0;
  if (socket.localPort !== dport || socket.local !== local || (socket.dev >= 0 && socket.dev !== dev)) return 0;
  return 1 + (socket.dev >= 0 ? 1 : 0) + (socket.isDual ? 0 : 1);
}

/** compute_score of UDP: four for each end that is fixed. */
function datagramScore(socket: Socket, key: SocketKey, local: LoadedAddress): number {
  if (socket.protocol !== key.protocol || socket.isForeign) return 0;
  if (socket.localPort !== key.dport || socket.local !== local) return 0;
  if (socket.remote !== 0 && socket.remote !== key.source) return 0;
  if (socket.remotePort !== 0 && socket.remotePort !== key.sport) return 0;
  if (socket.dev >= 0 && socket.dev !== key.dev) return 0;
  const fixed = (socket.remote !== 0 ? 4 : 0) + (socket.remotePort !== 0 ? 4 : 0) + (socket.dev >= 0 ? 4 : 0);
  return fixed + (socket.isDual ? 1 : 2);
}

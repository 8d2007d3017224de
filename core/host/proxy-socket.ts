/** The socket that -j TPROXY gives a packet to (nf_tproxy_get_sock_v4). */
import type { Address } from '../../codecs/address.js';
import type { LoadedAddress } from '../../codecs/byte-order.js';
import { IPPROTO_UDP, TCP_FLAGS_AT, TCP_LENGTH, UDP_LENGTH } from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';
import type { MaskedValue } from '../rules/parse/values.js';
import { NO_SOCKET } from './socket-numbers.js';
import type { HostSockets } from './sockets.js';

const ACK_RST_SYN_FIN = 0x17;
const SYN = 0x02;

/** Where packets are sent to: port 0 is their own, address 0.0.0.0 the first one of the interface. */
interface ProxyEnd {
  readonly port: number;
  readonly address: Address;
}

/** The same, and how the packet is marked: mark = (mark & ~mask) ^ value. */
export interface ProxyTarget extends ProxyEnd {
  readonly mark: MaskedValue;
}

/**
 * The socket for PACKET: that of its connection, or else one that waits at TO. OWN: the first address of the interface.
 * Negative: there is none.
 */
export function proxyFor(packet: Packet, to: ProxyEnd, own: LoadedAddress | undefined, sockets: HostSockets): number {
  const { protocol, l4Available } = packet;
  if (l4Available < UDP_LENGTH) return NO_SOCKET;
  const isUdp = protocol === IPPROTO_UDP;
  if (!isUdp && l4Available < TCP_LENGTH) return NO_SOCKET;
  const key = sockets.keyOf(packet);
  const connected = isUdp ? sockets.datagram(key) : sockets.established(key);
  const isConnected = connected >= 0 && sockets.isConnected(connected);
  const reopens = isConnected && sockets.descriptions[connected].state === 'time-wait' && isOnlySyn(packet);
  if (isConnected && !reopens) return connected;
  if (to.port !== 0) key.dport = to.port;
  if (!to.address.isUnspecified) key.destination = to.address.loaded;
  else if (own !== undefined) key.destination = own;
  const waiting = isUdp ? sockets.datagram(key) : sockets.listener(key);
  if (waiting >= 0 && !sockets.isConnected(waiting)) return waiting;
  return reopens ? connected : NO_SOCKET;
}

function isOnlySyn({ bytes, l4 }: Packet): boolean {
  return (bytes[l4 + TCP_FLAGS_AT] & ACK_RST_SYN_FIN) === SYN;
}

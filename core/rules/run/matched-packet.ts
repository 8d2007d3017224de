/** hot: what states in memory know of the packet that they are asked about. */
import {
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_TTL_AT,
} from '../../../codecs/layouts.js';
import { i32, layout, u32 } from '../../../codecs/record-layout.js';
import { Hook } from '../../hooks.js';
import type { Packet } from '../../packet.js';

/** Both write it before they ask a state: flat-state.ts, and wasm/flow/path-checks.ts. */
export const MATCHED_PACKET = layout('MatchedPacket', {
  /** As loaded little-endian; the destination as translated. */
  source: i32,
  destination: i32,
  /** The four bytes of both ports, as loaded; 0 if the protocol has none. */
  ports: i32,
  /** They should be there, but the packet is too short. */
  lacksPorts: i32,
  /** The IP total length. */
  length: u32,
  /** As it was before the packet was forwarded. */
  ttl: u32,
});

const { word } = MATCHED_PACKET;
const PORTS_BYTES = 4;
const IPPROTO_ESP = 50;
const IPPROTO_AH = 51;
const AH_SPI_AT = 4;
const NO_PORTS = -1;

/** Writes PACKET to WORDS, a MATCHED_PACKET. */
export function showPacket(words: Int32Array, packet: Packet): void {
  const { view, l4, hook } = packet;
  words[word.source] = packet.source;
  words[word.destination] = packet.destination;
  words[word.length] = packet.length;
  const at = portsAt(packet.protocol);
  const lacksPorts = at !== NO_PORTS && packet.l4Available < at + PORTS_BYTES;
  words[word.lacksPorts] = lacksPorts ? 1 : 0;
  words[word.ports] = at === NO_PORTS || lacksPorts ? 0 : view.getInt32(l4 + at, true);
  // recent_mt adds what forwarding has taken away, for each packet with an output device and without a local socket.
  const isLeaving = hook !== Hook.PREROUTING && hook !== Hook.INPUT && !packet.isLocal;
  words[word.ttl] = (view.getUint8(packet.at + IPV4_TTL_AT) + (isLeaving ? 1 : 0)) & 0xff;
}

/** Where in its header PROTOCOL has the ports, or a security association's index (proto_ports_offset). */
function portsAt(protocol: number): number {
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_DCCP:
    case IPPROTO_ESP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      return 0;
    case IPPROTO_AH:
      return AH_SPI_AT;
    default:
      return NO_PORTS;
  }
}

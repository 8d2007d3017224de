/** Changes of packet headers by mangling targets, with their checksums. */
import { transportChecksum, updateChecksum } from '../../codecs/checksum.js';
import {
  IPPROTO_TCP,
  IPV4_CHECKSUM_AT,
  IPV4_TTL_AT,
  IPV4_VERSION_IHL_AT,
  TCP_CHECKSUM_AT,
} from '../../codecs/layouts.js';
import type { Packet } from '../packet.js';

/** Sets the TOS byte of PACKET's IP header. */
export function setTos({ view, at }: Packet, tos: number): void {
  setWord(view, at + IPV4_VERSION_IHL_AT, at + IPV4_CHECKSUM_AT, (view.getUint8(at) << 8) | tos);
}

/** Sets the TTL of PACKET's IP header. */
export function setTtl({ view, at }: Packet, ttl: number): void {
  setWord(view, at + IPV4_TTL_AT, at + IPV4_CHECKSUM_AT, (ttl << 8) | view.getUint8(at + IPV4_TTL_AT + 1));
}

/** Sets the 16-bit word at WORD_AT, which the checksum at CHECKSUM_AT covers. */
export function setWord(view: DataView, wordAt: number, checksumAt: number, value: number): void {
  const old = view.getUint16(wordAt);
  if (old === value) return;
  view.setUint16(checksumAt, updateChecksum(view.getUint16(checksumAt), old, value));
  view.setUint16(wordAt, value);
}

/**
 * Updates the checksum of PACKET's TCP header after words with the sum OLD_SUM were replaced by words with the sum
 * NEW_SUM (inet_proto_csum_replace). IS_PSEUDO: words of the pseudo header, which an unfinished checksum covers too.
 */
export function updateTcpChecksum(packet: Packet, oldSum: number, newSum: number, isPseudo = false): void {
  const { view, l4 } = packet;
  const at = l4 + TCP_CHECKSUM_AT;
  if (!packet.hasUnfinishedChecksum) {
    view.setUint16(at, updateChecksum(view.getUint16(at), oldSum, newSum));
  } else if (!packet.isCut && !packet.isCoalesced) {
    // The bytes have what the network card will write.
    view.setUint16(at, 0);
    view.setUint16(at, transportChecksum(view, packet.at, l4, IPPROTO_TCP, packet.l4Length));
  } else if (isPseudo) {
    // The unfinished sum is not complemented.
    view.setUint16(at, ~updateChecksum(~view.getUint16(at) & 0xffff, oldSum, newSum) & 0xffff);
  }
}

/**
 * Notes that the first LENGTH bytes after the IP header of PACKET were made writable, which decides how a reassembled
 * packet is fragmented again (skb_ensure_writable).
 */
export function noteRewritten(packet: Packet, length: number): void {
  if (packet.fragmentMaxSize === 0) return;
  if (length > packet.rewrittenLength && length <= packet.l4Length) packet.rewrittenLength = length;
}

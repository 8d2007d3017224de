/** What sentences can say about a packet, out of its bytes. */
import { addressFromBytes, parseAddress } from '../address.js';
import {
  ICMP_CODE_AT,
  ICMP_TYPE_AT,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_OFFSET_MASK,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  IPV4_TOTAL_LENGTH_AT,
  IPV4_TTL_AT,
  PORTS_LENGTH,
  TCP_FLAGS_AT,
} from '../layouts.js';
import { icmpKindOf } from './icmp-kinds.js';
import {
  ANY_PACKET,
  hasPorts,
  SENTENCE_STATES,
  type Sentence,
  type SentenceEnd,
  type SentencePacket,
  type SentenceState,
} from './sentence.js';

/** The IPv4 packet in BYTES; undefined if they have no whole IPv4 header. */
export function readSentencePacket(bytes: Uint8Array): SentencePacket | undefined {
  if (bytes.length < IPV4_LENGTH || bytes[0] >> 4 !== 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const protocol = view.getUint8(IPV4_PROTOCOL_AT);
  const l4 = (bytes[0] & 15) << 2;
  const isFirst = (view.getUint16(IPV4_FRAGMENT_AT) & IPV4_OFFSET_MASK) === 0;
  const has = (length: number): boolean => isFirst && l4 >= IPV4_LENGTH && bytes.length >= l4 + length;
  return {
    protocol,
    source: String(addressFromBytes(bytes.subarray(IPV4_SOURCE_AT, IPV4_SOURCE_AT + 4))),
    destination: String(addressFromBytes(bytes.subarray(IPV4_DESTINATION_AT, IPV4_DESTINATION_AT + 4))),
    ...(hasPorts(protocol) && has(PORTS_LENGTH) ? { sport: view.getUint16(l4), dport: view.getUint16(l4 + 2) } : {}),
    ...(protocol === IPPROTO_TCP && has(TCP_FLAGS_AT + 1) ? { flags: view.getUint8(l4 + TCP_FLAGS_AT) } : {}),
    ...(protocol === IPPROTO_ICMP && has(ICMP_CODE_AT + 1)
      ? { icmp: { type: view.getUint8(l4 + ICMP_TYPE_AT), code: view.getUint8(l4 + ICMP_CODE_AT) } }
      : {}),
    lengthBytes: view.getUint16(IPV4_TOTAL_LENGTH_AT),
    ttl: view.getUint8(IPV4_TTL_AT),
  };
}

/** The sentence that describes PACKET by its ends, flags or type, interfaces and state; not by TTL, length and mark. */
export function sentenceOf(packet: SentencePacket): Sentence {
  const { protocol, icmp, inDev, outDev } = packet;
  return {
    ...ANY_PACKET,
    isLocal: packet.isLocal === true,
    input: packet.isLocal === true || inDev === undefined ? undefined : { name: inDev, isNegated: false },
    output: outDev === undefined ? undefined : { name: outDev, isNegated: false },
    protocol,
    ends: { source: endOf(packet.source, packet.sport), destination: endOf(packet.destination, packet.dport) },
    flags: packet.flags,
    icmp: icmp === undefined ? undefined : icmpKindOf(icmp.type, icmp.code, protocol),
    state: stateOf(packet.state),
  };
}

function stateOf(state: string | undefined): SentenceState | undefined {
  return SENTENCE_STATES.find((name) => name === state);
}

function endOf(address: string, port: number | undefined): SentenceEnd {
  const parsed = parseAddress(address);
  return {
    isNegated: false,
    host: parsed === undefined ? undefined : { name: undefined, addresses: [parsed], prefixLength: undefined },
    ports: port === undefined ? undefined : { min: port, max: port },
  };
}

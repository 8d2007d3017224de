/** What `-j HMARK` hashes: the ends of a packet or connection, and the mark that follows (xt_HMARK). */
import type { Address } from '../../codecs/address.js';
import { portToHostOrder, toHostOrder } from '../../codecs/byte-order.js';
import {
  AH_SPI_AT,
  ESP_SPI_AT,
  ICMP_ERROR_TYPES,
  ICMP_LENGTH,
  IPPROTO_AH,
  IPPROTO_DCCP,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV4_DESTINATION_AT,
  IPV4_FRAGMENT_AT,
  IPV4_LENGTH,
  IPV4_PROTOCOL_AT,
  IPV4_SOURCE_AT,
  PORTS_LENGTH,
  SOURCE_PORT_AT,
} from '../../codecs/layouts.js';
import { ORIGINAL_TUPLE, PROTOCOL, RECORD_WORDS, REPLY_TUPLE, TUPLE_PORTS, TUPLE_SOURCE } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { jhashWords } from '../nat/jhash.js';
import type { Packet } from '../packet.js';

/** By protocol: the offset of its ports or SPI in its header. */
const PORTS_AT: ReadonlyMap<number, number> = new Map([
  ...[IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP].map(
    (one) => [one, SOURCE_PORT_AT] as const,
  ),
  [IPPROTO_ESP, ESP_SPI_AT],
  [IPPROTO_AH, AH_SPI_AT],
]);
const MORE_OR_OFFSET = 0x3fff;
/** In bytes after the IP header: an ICMP error about a packet with all options, and its ports. */
const LONGEST_ERROR = ICMP_LENGTH + 60 + 8;

/** Which bits are hashed, and how. */
export interface HashRule {
  /** Masks of the addresses; undefined: 0. */
  readonly source: Address | undefined;
  readonly destination: Address | undefined;
  /** A mask of both ports as one number of 32 bits, and the bits set after it; undefined: 0. */
  readonly sportMask: number | undefined;
  readonly dportMask: number | undefined;
  readonly spiMask: number | undefined;
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  readonly spi: number | undefined;
  readonly protocolMask: number | undefined;
  readonly seed: number;
  readonly modulus: number;
  readonly offset: number | undefined;
}

/** What is hashed, masked, in host order. The larger port is in the upper half: both directions are alike. */
export interface HashTuple {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly ports: number;
}

/** The tuple of PACKET, or of what it is about if it is an ICMP error; undefined if there is not enough of that. */
export function tupleOfPacket(rule: HashRule, packet: Packet): HashTuple | undefined {
  const { view, available } = packet;
  const end = packet.at + available;
  let { at, l4 } = packet;
  if (packet.protocol === IPPROTO_ICMP && l4 + ICMP_LENGTH <= end && ICMP_ERROR_TYPES.includes(view.getUint8(l4))) {
    at = l4 + ICMP_LENGTH;
    if (at + IPV4_LENGTH > end) return undefined;
    l4 = at + ((view.getUint8(at) & 0xf) << 2);
  }
  const protocol = view.getUint8(at + IPV4_PROTOCOL_AT);
  const portsAt = l4 + (PORTS_AT.get(protocol) ?? 0);
  const isWhole = (view.getUint16(at + IPV4_FRAGMENT_AT) & MORE_OR_OFFSET) === 0;
  const hasPorts = PORTS_AT.has(protocol) && isWhole && portsAt + PORTS_LENGTH <= end;
  return {
    source: masked(view.getInt32(at + IPV4_SOURCE_AT), rule.source),
    destination: masked(view.getInt32(at + IPV4_DESTINATION_AT), rule.destination),
    protocol,
    ports: hasPorts ? portsOf(rule, view.getUint32(portsAt)) : 0,
  };
}

/** Whether PACKET was cut so early that its tuple is not known: before its ports, or what an error is about. */
export function isTupleCut({ protocol, bytes, l4, l4Available, isCut }: Packet): boolean {
  if (!isCut) return false;
  if (protocol !== IPPROTO_ICMP) return l4Available < (PORTS_AT.get(protocol) ?? -PORTS_LENGTH) + PORTS_LENGTH;
  if (l4Available < ICMP_LENGTH) return true;
  return ICMP_ERROR_TYPES.includes(bytes[l4]) && l4Available < LONGEST_ERROR;
}

/** The tuple of PACKET's connection: the original source, and who replies; undefined if it has none. */
export function tupleOfConnection(rule: HashRule, { ct }: Packet, { words }: ConntrackTable): HashTuple | undefined {
  if (ct < 0) return undefined;
  const base = ct * RECORD_WORDS;
  const [original, reply] = [base + ORIGINAL_TUPLE, base + REPLY_TUPLE];
  const protocol = words[base + PROTOCOL] & 0xff;
  const portOf = (tuple: number): number => portToHostOrder(words[tuple + TUPLE_PORTS] & 0xffff);
  return {
    source: masked(toHostOrder(words[original + TUPLE_SOURCE]), rule.source),
    destination: masked(toHostOrder(words[reply + TUPLE_SOURCE]), rule.destination),
    protocol,
    ports: protocol === IPPROTO_ICMP ? 0 : portsOf(rule, portOf(original) * 0x10000 + portOf(reply)),
  };
}

function masked(address: number, mask: Address | undefined): number {
  return mask === undefined ? 0 : (address & mask.hostOrder) >>> 0;
}

/** What is hashed of the ports or the SPI in PORTS, 32 bits. */
function portsOf(
  { sportMask = 0, dportMask = 0, spiMask, sport = 0, dport = 0, spi }: HashRule,
  ports: number,
): number {
  const mask = spiMask ?? (sportMask << 16) | dportMask;
  const kept = (ports & mask) | (spi ?? (sport << 16) | dport);
  const [first, second] = [kept >>> 16, kept & 0xffff];
  return second > first ? (second << 16) | first : kept;
}

/** The mark for TUPLE, an int32. */
export function markOf({ protocolMask = 0, seed, modulus, offset = 0 }: HashRule, tuple: HashTuple): number {
  const [low, high] = [Math.min(tuple.source, tuple.destination), Math.max(tuple.source, tuple.destination)];
  const hash = (jhashWords(low, high, tuple.ports, seed) ^ (tuple.protocol & protocolMask)) >>> 0;
  // Scaled to the modulus: the upper half of their product of 64 bits.
  return (Number((BigInt(hash) * BigInt(modulus)) >> 32n) + offset) | 0;
}

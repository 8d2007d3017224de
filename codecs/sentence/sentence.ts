/**
 * Sentences: one line of text for a packet, or for a kind of packets.
 *
 *     [[in] IFACE|local] PROTO END > END  { FLAGS | TYPE | in [!]IFACE | out [!]IFACE
 *                                         | ttl N | len N | mark N | state S }
 *     END = [!](ADDR[/LEN] | NAME | *)[:PORT[-PORT] | :SERVICE | :*]
 *
 * `parseSentence` reads them, `formatSentence` and `printSentence` write them, `fits` asks whether a packet is one of
 * the kind.
 */
import type { Address } from '../address.js';

/** Numbers, both inclusive. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** What a sentence asks for. Whatever is undefined can have any value. */
export interface Sentence {
  /** The host itself sends it. There is no `input` then. */
  readonly isLocal: boolean;
  readonly input: SentenceInterface | undefined;
  readonly output: SentenceInterface | undefined;
  /** A protocol number; undefined: `ip`. */
  readonly protocol: number | undefined;
  /** Source and destination; undefined if the sentence leaves both out. */
  readonly ends: SentenceEnds | undefined;
  /** Bits of the TCP header (TCP_SYN …). */
  readonly flags: number | undefined;
  readonly icmp: IcmpKind | undefined;
  readonly ttl: NumberRange | undefined;
  /** The IP header's total length, in bytes. */
  readonly length: NumberRange | undefined;
  /** Unsigned. */
  readonly mark: number | undefined;
  readonly state: SentenceState | undefined;
}

export interface SentenceInterface {
  readonly name: string;
  /** Any but this one. */
  readonly isNegated: boolean;
}

export interface SentenceEnds {
  readonly source: SentenceEnd;
  readonly destination: SentenceEnd;
}

export interface SentenceEnd {
  /** Any address but those of `host`. The ports are not negated. */
  readonly isNegated: boolean;
  readonly host: SentenceHost | undefined;
  readonly ports: NumberRange | undefined;
}

export interface SentenceHost {
  /** As it was written, if it was a name. */
  readonly name: string | undefined;
  /** At least one; only a name has several. */
  readonly addresses: readonly Address[];
  /** Of the network that the address is in; undefined: the address itself. */
  readonly prefixLength: number | undefined;
}

/** A type of ICMP messages, perhaps with its code. */
export interface IcmpKind {
  readonly type: number;
  readonly code: number | undefined;
}

export const SENTENCE_STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;
export type SentenceState = (typeof SENTENCE_STATES)[number];

/** How reports write states. */
export const STATE_PHRASES: readonly (readonly [words: RegExp, state: SentenceState])[] = [
  [/^(?:a )?new connection(?: |$)/i, 'NEW'],
  [/^a reply in its connection(?: |$)/i, 'ESTABLISHED'],
  [/^in a known connection(?: |$)/i, 'ESTABLISHED'],
  [/^related to a connection(?: |$)/i, 'RELATED'],
  [/^invalid(?: |$)/i, 'INVALID'],
  [/^untracked(?: |$)/i, 'UNTRACKED'],
];

/** A sentence about any packet. */
export const ANY_PACKET: Sentence = {
  isLocal: false,
  input: undefined,
  output: undefined,
  protocol: undefined,
  ends: undefined,
  flags: undefined,
  icmp: undefined,
  ttl: undefined,
  length: undefined,
  mark: undefined,
  state: undefined,
};

/** What is known of a packet. */
export interface SentencePacket {
  readonly protocol: number;
  /** As `String(address)` writes them. */
  readonly source: string;
  readonly destination: string;
  /** Undefined, also of protocols that have them: not known, such as in a later fragment. */
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  readonly flags?: number | undefined;
  readonly icmp?: { readonly type: number; readonly code: number } | undefined;
  /** The IP header's total length. */
  readonly lengthBytes?: number | undefined;
  readonly ttl?: number | undefined;
  readonly mark?: number | undefined;
  /** The host itself sends it. */
  readonly isLocal?: boolean | undefined;
  readonly inDev?: string | undefined;
  readonly outDev?: string | undefined;
  readonly state?: string | undefined;
}

/** Protocols whose headers start with two ports. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

export function hasPorts(protocol: number | undefined): boolean {
  return protocol !== undefined && WITH_PORTS.has(protocol);
}

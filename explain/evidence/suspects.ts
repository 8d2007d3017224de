/**
 * What may have happened before a host wrote a line about a packet: who sent it to whom before NAT, and what conntrack
 * knew of its connection. A line says neither.
 */
import { parseAddress } from '../../codecs/address.js';
import type { EvidencePacket, EvidencePlace } from '../../codecs/evidence/evidence.js';
import {
  ICMP_ERROR_TYPES,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from '../../codecs/layouts.js';
import { ANY_PACKET, hasPorts, type Sentence, type SentenceEnd } from '../../codecs/sentence/sentence.js';
import type { Host } from '../../core/host/host.js';
import type { Ruleset } from '../../core/rules/model.js';
import { endText } from '../packets/arrival.js';
import { originalsOf } from './originals.js';

/** What conntrack knows: nothing; the packet that opened it; a connection that both ends use; one that is closed. */
export type History = 'none' | 'opening' | 'open' | 'closed';

export interface Shift {
  readonly sequence?: number;
  readonly acknowledgment?: number;
}

export interface Suspect {
  /** The packet that begins the flow: that of the line, unless there is a history. */
  readonly opener: Sentence;
  readonly history: History;
  /** Whoever got the opener sends the packet of the line. */
  readonly isReply: boolean;
  /** It is an ICMP error about the opener. */
  readonly isError: boolean;
  /** How far its numbers are from those that its sender would use. */
  readonly shift: Shift | undefined;
  /** What is assumed about the connection, and about what the packet was before NAT, in words. */
  readonly connection: string;
  readonly translation: string | undefined;
}

/** What is special about an end of a packet: an address, and a port where there is one. */
export interface PlainEnd {
  readonly address: string;
  readonly port: number | undefined;
}

/** All suspects, the likeliest first. */
export function suspectsOf(
  { packet, ...place }: EvidencePlace & { readonly packet: EvidencePacket; readonly remark?: string | undefined },
  ruleset: Ruleset,
  host: Host,
): Suspect[] {
  const { remark } = place;
  const asLogged: PlainEnd = { address: packet.destination, port: packet.dport };
  const originals = originalsOf(asLogged, packet, place, ruleset, host);
  const destinations = [
    ...originals.filter(({ isTranslated }) => isTranslated),
    { end: asLogged, isTranslated: false },
  ];
  const source: PlainEnd = { address: packet.source, port: packet.sport };
  return historiesOf(packet, remark).flatMap(({ history, isReply, isError = false, shift, words }): Suspect[] => {
    const common = { history, isReply, isError, shift, connection: words };
    const { quoted } = packet;
    if (isError && quoted !== undefined) {
      const quotedEnds = [
        { address: quoted.source, port: quoted.sport },
        { address: quoted.destination, port: quoted.dport ?? (hasPorts(quoted.protocol) ? UNKNOWN_PORT : undefined) },
      ] as const;
      const opener = sentenceOf(quoted, ...quotedEnds, reversed(place));
      return [{ ...common, opener, translation: undefined }];
    }
    if (isReply) {
      const opener = sentenceOf(packet, asLogged, source, reversed(place));
      return [{ ...common, opener, translation: undefined }];
    }
    return destinations.map(({ end, isTranslated }) => ({
      ...common,
      opener: sentenceOf(packet, source, end, place),
      translation: isTranslated ? `it was sent to ${plainText(end)}, which NAT changes` : undefined,
    }));
  });
}

interface HistoryWords {
  readonly history: History;
  readonly isReply: boolean;
  readonly isError?: boolean;
  readonly shift?: Shift;
  readonly words: string;
}

const NEW = { history: 'none', isReply: false, words: 'conntrack knows nothing of its connection' } as const;
const OPENING = { ...NEW, words: 'it opens a connection' } as const;
const IN_OPEN = {
  history: 'open',
  isReply: false,
  words: 'it belongs to an open connection, and comes from who opened it',
} as const;
const OPEN_REPLY = {
  history: 'open',
  isReply: true,
  words: 'it belongs to an open connection, and comes from who was asked',
} as const;
const ANSWER = { history: 'opening', isReply: true, words: 'it is the first answer in its connection' } as const;
const ABOUT = {
  history: 'opening',
  isReply: false,
  isError: true,
  words: 'it is about a packet that the host let through',
} as const;
const CLOSED = {
  history: 'closed',
  isReply: false,
  words: 'its connection was closed just before by both ends, and it comes from who opened it',
} as const;
const CLOSED_REPLY = {
  history: 'closed',
  isReply: true,
  words: 'its connection was closed just before by both ends, and it comes from who was asked',
} as const;
/** Of TCP, lines tell no ports of a packet that an error quotes as RFC 792 asks for: any will do. */
const UNKNOWN_PORT = 443;
/** Below are the ports of services, which clients do not send from. */
const SERVICES = 1024;
/** What makes a segment one that its receiver would not take. */
const FAR = 0x2000_0000;
const SHIFTS: readonly (readonly [shift: Shift, words: string])[] = [
  [{ sequence: FAR }, ', with a sequence number far outside its window'],
  [{ acknowledgment: FAR }, ', and acknowledges what was never sent'],
  [{ sequence: -FAR }, ', with a sequence number far before its window'],
  [{ acknowledgment: -FAR }, ', and acknowledges what is long past'],
];

/** What may have been before PACKET, the likeliest first. */
function historiesOf(packet: EvidencePacket, remark: string | undefined): readonly HistoryWords[] {
  const { protocol, flags = 0, icmp, quoted, sport, dport } = packet;
  if (protocol === IPPROTO_TCP) {
    if ((flags & (TCP_SYN | TCP_ACK)) === TCP_SYN) return [OPENING, IN_OPEN];
    if ((flags & TCP_SYN) !== 0) return [ANSWER, NEW];
    const isEnding = (flags & (TCP_FIN | TCP_RST)) !== 0;
    const known = [IN_OPEN, OPEN_REPLY, CLOSED, CLOSED_REPLY];
    const outside = SHIFTS.slice(0, remark === undefined ? 1 : SHIFTS.length).flatMap(([shift, words]) =>
      [IN_OPEN, OPEN_REPLY].map((one) => ({ ...one, shift, words: one.words + words })),
    );
    return [NEW, ...(isEnding && (flags & TCP_RST) !== 0 ? [ANSWER] : []), ...known, ...outside];
  }
  if (protocol !== IPPROTO_ICMP) {
    const isFromService = sport !== undefined && dport !== undefined && sport < SERVICES && dport >= SERVICES;
    return isFromService ? [ANSWER, OPENING, IN_OPEN] : [OPENING, ANSWER, IN_OPEN];
  }
  if (icmp !== undefined && [0, 14, 16, 18].includes(icmp.type)) return [ANSWER, NEW];
  return icmp !== undefined && ICMP_ERROR_TYPES.includes(icmp.type)
    ? [...(quoted === undefined ? [] : [ABOUT]), NEW]
    : [OPENING, IN_OPEN];
}

/** Where answers come in. */
function reversed({ input, output }: EvidencePlace): EvidencePlace {
  return { input: output, output: input };
}

/** The packet from SOURCE to DESTINATION that comes in at PLACE, of the protocol of PACKET. */
export function sentenceOf(
  { protocol }: Pick<EvidencePacket, 'protocol'>,
  source: PlainEnd,
  destination: PlainEnd,
  { input }: EvidencePlace,
): Sentence {
  return {
    ...ANY_PACKET,
    isLocal: input === '',
    input: input === undefined || input === '' ? undefined : { name: input, isNegated: false },
    protocol,
    ends: { source: endOf(source), destination: endOf(destination) },
  };
}

function endOf({ address, port }: PlainEnd): SentenceEnd {
  return {
    isNegated: false,
    host: { name: undefined, addresses: [parseAddress(address)!], prefixLength: undefined },
    ports: port === undefined ? undefined : { min: port, max: port },
  };
}

export function plainText({ address, port }: PlainEnd): string {
  return endText(parseAddress(address)!.hostOrder, port ?? 0);
}

/** A packet in words: `tcp 203.0.113.7:51515 → 192.0.2.10:8081 SYN, in eth0, a new connection`. */
import { printSentence } from '../../codecs/sentence/format.js';
import { sentenceOf } from '../../codecs/sentence/read-packet.js';
import type { SentenceEnd } from '../../codecs/sentence/sentence.js';
import { shown } from '../../codecs/text.js';
import type { PacketEnd, PacketFields, TrackedEvent } from '../../core/events.js';
import type { Names } from '../../replay/names.js';
import type { Story } from './story.js';

export const NO_NAMES: Names = new Map();

/** Where a packet is. */
export interface PacketPlace {
  readonly inDev?: string | undefined;
  readonly outDev?: string | undefined;
  /** The host itself sends it. */
  readonly isLocal?: boolean;
}

/** PACKET at PLACE in words, with the NAMES of its addresses. */
export function packetWords(packet: PacketFields, place: PacketPlace, names: Names): string {
  const { tcp, fragment } = packet;
  const sentence = sentenceOf({ ...packet, ...(tcp === undefined ? {} : { flags: tcp.flags }), ...place });
  const { ends } = sentence;
  const named =
    ends === undefined
      ? sentence
      : { ...sentence, ends: { source: withName(ends.source, names), destination: withName(ends.destination, names) } };
  const words = printSentence(named);
  if (fragment === undefined) return words;
  return `${words}, ${fragment.isLast ? 'the last' : fragment.offsetBytes === 0 ? 'the first' : 'a'} fragment`;
}

/** What arrived, or what the host made, with what conntrack takes it for. */
export function arrivalWords({ packet, inDev, origin, tracked }: Story, names: Names): string {
  if (packet === undefined) return inDev === undefined ? 'a packet of the host itself' : `a frame in ${inDev}`;
  const words = packetWords(packet, inDev === undefined ? { isLocal: origin === 'frame' } : { inDev }, names);
  return tracked === undefined ? words : `${words}, ${relationWords(tracked)}`;
}

/** How a packet is related to a connection. */
function relationWords({ ctstate, direction }: TrackedEvent): string {
  switch (ctstate) {
    case 'NEW':
      return 'a new connection';
    case 'ESTABLISHED':
      return direction === 'reply' ? 'a reply in its connection' : 'in a known connection';
    case 'RELATED':
      return 'related to a connection';
    case 'INVALID':
      return 'INVALID';
    default:
      return 'untracked';
  }
}

/** `172.17.0.3:6379` */
export function endText({ address, port }: PacketEnd): string {
  return port === undefined ? address : `${address}:${port}`;
}

/** `172.17.0.3:6379 (redis)`. */
export function endWords(end: PacketEnd, names: Names): string {
  const name = names.get(end.address);
  return `${endText(end)}${name === undefined ? '' : ` (${shown(name)})`}`;
}

function withName(end: SentenceEnd, names: Names): SentenceEnd {
  const { host, ports } = end;
  const name = host === undefined ? undefined : names.get(String(host.addresses[0]));
  if (host === undefined || name === undefined) return end;
  // The name comes behind the port.
  const text = endWords({ address: String(host.addresses[0]), ...(ports && { port: ports.min }) }, names);
  return { ...end, host: { ...host, name: text }, ports: undefined };
}

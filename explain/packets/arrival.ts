/** Whom a packet reached after its way through the host. */
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { ETHERNET_DESTINATION_AT, ETHERNET_LENGTH, ETHERNET_SOURCE_AT } from '../../codecs/layouts.js';
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import type { LeftEvent } from '../../core/events.js';
import type { Host } from '../../core/host/host.js';
import type { Story } from '../story/story.js';
import type { SentFrame, TrialResult } from '../trial.js';
import type { Entry } from './flow.js';

export interface Arrival {
  /** The IPv4 packet, as its receiver sees it. */
  readonly packet: Uint8Array;
  /** How its receiver's packets get into the host. */
  readonly entry: Entry;
}

const MAC_BYTES = 6;
const GROUP_BIT = 1;

/** Whom the packet of RESULT reached; undefined if nobody, or many. */
export function arrivalOf({ story, sent, delivered }: TrialResult, host: Host): Arrival | undefined {
  const last = lastOf(story);
  const { left } = last;
  if (left === undefined) return undefined;
  if (left.dev === undefined) {
    const packet = delivered.find((bytes) => isPacket(bytes, left));
    return packet && { packet, entry: { dev: undefined, header: undefined, isSourced: true } };
  }
  for (const frame of sent) {
    const { linkLength } = host.interfaces[host.interfaceIndex(frame.dev)];
    const packet = frame.bytes.subarray(linkLength);
    if (frame.dev !== left.dev || !isPacket(packet, left)) continue;
    const header = answeringHeader(frame, linkLength);
    return header === null ? undefined : { packet, entry: { dev: frame.dev, header, isSourced: false } };
  }
  return undefined;
}

/** The story of the packet itself where it came to its end: what the host sends to itself comes back by lo. */
function lastOf(story: Story): Story {
  const again = story.related.find(({ origin }) => origin === 'loopback');
  return again === undefined ? story : lastOf(again);
}

/** Whether BYTES are the packet that LEFT tells about. */
function isPacket(bytes: Uint8Array, { packet }: LeftEvent): boolean {
  const seen = readSentencePacket(bytes);
  if (seen === undefined || seen.protocol !== packet.protocol) return false;
  const isSameEnds = seen.source === packet.source && seen.destination === packet.destination;
  return isSameEnds && seen.sport === packet.sport && seen.dport === packet.dport;
}

/** The Ethernet header of the answer to FRAME; undefined if it has none, null if it went to many. */
function answeringHeader({ bytes }: SentFrame, linkLength: number): Uint8Array | undefined | null {
  if (linkLength === 0) return undefined;
  if ((bytes[ETHERNET_DESTINATION_AT] & GROUP_BIT) !== 0) return null;
  const header = Uint8Array.from(bytes.subarray(0, ETHERNET_LENGTH));
  header.set(bytes.subarray(ETHERNET_SOURCE_AT, ETHERNET_SOURCE_AT + MAC_BYTES), ETHERNET_DESTINATION_AT);
  header.set(bytes.subarray(ETHERNET_DESTINATION_AT, ETHERNET_DESTINATION_AT + MAC_BYTES), ETHERNET_SOURCE_AT);
  return header;
}

/** ADDRESS, in host order, in dotted notation, with its PORT if there is one. */
export function endText(address: number, port: number): string {
  return `${formatLoaded(toLoaded(address))}${port === 0 ? '' : `:${port}`}`;
}

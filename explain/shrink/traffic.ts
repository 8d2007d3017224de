/** Which frames are likely to be all that a failure needs: those of the connection that fails. */
import { readSentencePacket } from '../../codecs/sentence/read-packet.js';
import { IpLocation, locateIp } from '../../core/link/locate-ip.js';
import type { CapturedFrame } from './captured-frames.js';
import type { FrameOrder } from './frame-order.js';

/** The two ends of a packet, with their ports if it has some. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
}

/** The ends of the packet in FRAME; undefined: it has none of IPv4. */
export function endsOf({ bytes, wirelen, linktype }: CapturedFrame, location = new IpLocation()): Ends | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!locateIp({ linktype, view, at: 0, caplen: bytes.length, wirelen }, location)) return undefined;
  const { at, captured } = location;
  const packet = readSentencePacket(bytes.subarray(at, at + captured));
  if (packet === undefined) return undefined;
  const { protocol, source, destination, sport, dport } = packet;
  const end = (address: string, port: number | undefined) =>
    `${protocol} ${address}${port === undefined ? '' : ` ${port}`}`;
  return { source: end(source, sport), destination: end(destination, dport) };
}

/**
 * Choices of frames of ORDER, by their units, one of which may be all that the OFFENDERS need: the likeliest small ones
 * first.
 */
export function likelyFrames(order: FrameOrder, isOffender: (frame: CapturedFrame) => boolean): number[][] {
  const { frames, units } = order;
  const offenders = new Set(frames.flatMap((frame, i) => (isOffender(frame) ? [i] : [])));
  if (offenders.size === 0) return [];
  const last = Math.max(...offenders);
  const location = new IpLocation();
  const ends = frames.map((frame) => endsOf(frame, location));
  const pairs = new Set<string>();
  const sources = new Set<string>();
  for (const i of offenders) {
    const own = ends[i];
    if (own === undefined) continue;
    pairs.add(pairOf(own));
    sources.add(own.source);
  }
  const isSamePair = (i: number): boolean => ends[i] !== undefined && pairs.has(pairOf(ends[i]));
  // Behind NAT of its destination, a connection is known by the end that opened it.
  const isRelated = (i: number): boolean => {
    const own = ends[i];
    return own !== undefined && (isSamePair(i) || sources.has(own.source) || sources.has(own.destination));
  };
  const isBefore = (i: number): boolean => i <= last;
  const choices: ((i: number) => boolean)[] = [
    (i) => offenders.has(i),
    (i) => offenders.has(i) || (isBefore(i) && isSamePair(i)),
    (i) => offenders.has(i) || (isBefore(i) && isRelated(i)),
    (i) => offenders.has(i) || isRelated(i),
    isBefore,
  ];
  return choices.map((isChosen) => units.filter((_, i) => isChosen(i)));
}

function pairOf({ source, destination }: Ends): string {
  return source < destination ? `${source} ${destination}` : `${destination} ${source}`;
}

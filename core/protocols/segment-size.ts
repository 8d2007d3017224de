/**
 * hot: how long the segments of a connection are. TCP's records hold the MSS of each side's SYN. Of a connection whose
 * handshake was not seen, and of UDP, they hold the most data that one packet of each direction had.
 */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { RECORD_WORDS, UDP_CONNECTION } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { SEGMENT_SHIFT, SideFlag, TCP_CONNECTION, TCP_SIDE } from '../conntrack/tcp-record.js';
import { type Direction, ORIGINAL, REPLY } from '../packet.js';

/** The smallest MSS that Linux accepts (TCP_MIN_MSS). */
const MIN_MSS = 88;

/** The smaller MSS of the two SYNs of the TCP connection ENTRY, in bytes; 0 if it is not known. */
export function handshakeMss(table: ConntrackTable, entry: number): number {
  if (entry < 0) return 0;
  const mine = mssOf(table.words[optionsAt(entry, ORIGINAL)]);
  const other = mssOf(table.words[optionsAt(entry, REPLY)]);
  return mine > 0 && other > 0 ? Math.min(mine, other) : mine + other;
}

function mssOf(options: number): number {
  const mss = (options & SideFlag.BE_LIBERAL) !== 0 ? 0 : options >>> SEGMENT_SHIFT;
  return mss < MIN_MSS ? 0 : mss;
}

/** The most data in one packet in DIRECTION of ENTRY, in bytes; 0 if it is not known. */
export function largestSent(table: ConntrackTable, entry: number, direction: Direction, protocol: number): number {
  if (entry < 0) return 0;
  if (protocol === IPPROTO_UDP) return table.words[largestAt(entry, direction)];
  if (protocol !== IPPROTO_TCP) return 0;
  const options = table.words[optionsAt(entry, direction)];
  return (options & SideFlag.BE_LIBERAL) === 0 ? 0 : options >>> SEGMENT_SHIFT;
}

/** Notes a TCP segment with BYTES of data, which is not coalesced. The fast path does the same (`noteSegment`). */
export function noteSegment({ words }: ConntrackTable, entry: number, direction: Direction, bytes: number): void {
  const at = optionsAt(entry, direction);
  const options = words[at];
  if ((options & SideFlag.BE_LIBERAL) === 0 || bytes <= options >>> SEGMENT_SHIFT) return;
  words[at] = (options & ((1 << SEGMENT_SHIFT) - 1)) | (bytes << SEGMENT_SHIFT);
}

/** Notes a UDP datagram with BYTES of data, which is not coalesced. The fast path does the same (`noteDatagram`). */
export function noteDatagram({ words }: ConntrackTable, entry: number, direction: Direction, bytes: number): void {
  const at = largestAt(entry, direction);
  if (bytes > words[at]) words[at] = bytes;
}

function optionsAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + TCP_CONNECTION.word.side + direction * TCP_SIDE.words + TCP_SIDE.word.options;
}

function largestAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + UDP_CONNECTION.word.largest + direction;
}

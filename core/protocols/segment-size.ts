/**
 * hot: how long the segments of a connection are, as noted by wasm/conntrack/. TCP's records hold the MSS of each
 * side's SYN. Of a connection whose handshake was not seen, and of UDP, they hold the most data that one packet of each
 * direction had.
 */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../codecs/layouts.js';
import { RECORD_WORDS, UDP_CONNECTION } from '../conntrack/record.js';
import type { ConntrackTable } from '../conntrack/table.js';
import { SEGMENT_SHIFT, SideFlag, sideOptionsAt } from '../conntrack/tcp-record.js';
import { type Direction, ORIGINAL, REPLY } from '../packet.js';

const SEGMENT_MASK = -1 << SEGMENT_SHIFT;
/** The smallest MSS that Linux accepts (TCP_MIN_MSS). */
const MIN_MSS = 88;

/** The smaller MSS of the two SYNs of the TCP connection ENTRY, in bytes; 0 if it is not known. */
export function handshakeMss(table: ConntrackTable, entry: number): number {
  if (entry < 0) return 0;
  const mine = mssOf(table.words[sideOptionsAt(entry, ORIGINAL)]);
  const other = mssOf(table.words[sideOptionsAt(entry, REPLY)]);
  return mine > 0 && other > 0 ? Math.min(mine, other) : mine + other;
}

function mssOf(options: number): number {
  const mss = (options & SideFlag.BE_LIBERAL) !== 0 ? 0 : options >>> SEGMENT_SHIFT;
  return mss < MIN_MSS ? 0 : mss;
}

/** A rule has changed the MSS in a SYN of DIRECTION of the TCP connection ENTRY to MSS: its receiver sees no other. */
export function noteMss({ words }: ConntrackTable, entry: number, direction: Direction, mss: number): void {
  if (entry < 0) return;
  const at = sideOptionsAt(entry, direction);
  if ((words[at] & SideFlag.BE_LIBERAL) !== 0) return;
  words[at] = (words[at] & ~SEGMENT_MASK) | SideFlag.MSS_BY_RULE | (mss << SEGMENT_SHIFT);
}

/** Whether a rule has changed the MSS of a SYN of the TCP connection ENTRY. */
export function isMssByRule({ words }: ConntrackTable, entry: number): boolean {
  return ((words[sideOptionsAt(entry, ORIGINAL)] | words[sideOptionsAt(entry, REPLY)]) & SideFlag.MSS_BY_RULE) !== 0;
}

/** The most data in one packet in DIRECTION of ENTRY, in bytes; 0 if it is not known. */
export function largestSent(table: ConntrackTable, entry: number, direction: Direction, protocol: number): number {
  if (entry < 0) return 0;
  if (protocol === IPPROTO_UDP) return table.words[largestAt(entry, direction)];
  if (protocol !== IPPROTO_TCP) return 0;
  const options = table.words[sideOptionsAt(entry, direction)];
  return (options & SideFlag.BE_LIBERAL) === 0 ? 0 : options >>> SEGMENT_SHIFT;
}

/** Sets the most data in a segment that `tcpUpdate` has noted in DIRECTION of ENTRY back to BYTES. */
export function forgetSegment({ words }: ConntrackTable, entry: number, direction: Direction, bytes: number): void {
  const at = sideOptionsAt(entry, direction);
  if ((words[at] & SideFlag.BE_LIBERAL) !== 0) words[at] = (words[at] & ~SEGMENT_MASK) | (bytes << SEGMENT_SHIFT);
}

/** The same for a datagram that `udpUpdate` has noted. */
export function forgetDatagram({ words }: ConntrackTable, entry: number, direction: Direction, bytes: number): void {
  words[largestAt(entry, direction)] = bytes;
}

function largestAt(entry: number, direction: Direction): number {
  return entry * RECORD_WORDS + UDP_CONNECTION.word.largest + direction;
}

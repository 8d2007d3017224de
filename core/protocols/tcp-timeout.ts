/** Which time-out a TCP connection has, for whoever observes its packets. wasm/conntrack/tcp.ts sets it. */
import { RECORD_WORDS, STATUS, Status } from '../conntrack/record.js';
import {
  RETRANSMISSIONS_SHIFT,
  SideFlag,
  sideOptionsAt,
  TCP_CONNECTION,
  TCP_STATE,
  WINDOW_MASK,
} from '../conntrack/tcp-record.js';
import { ORIGINAL, REPLY } from '../packet.js';
import type { L4Tracker } from './protocol.js';
import { SegmentKind, STATE_NAMES, TcpState } from './tcp-states.js';

/** Time-outs that are not of a state: upper limits after retransmissions and while data is unacknowledged. */
export const RETRANSMITTED = STATE_NAMES.length;
export const UNACKNOWLEDGED = RETRANSMITTED + 1;

/** The index of the time-out that a segment gave to ENTRY, which is as that segment has left it. */
export function tcpTimeoutOf({ table, timeoutsMs }: L4Tracker, entry: number): number {
  const { words, memory } = table;
  const base = entry * RECORD_WORDS;
  const state = words[base + TCP_STATE];
  const isLongerThan = (index: number): boolean => timeoutsMs[state] > timeoutsMs[index];
  const lastWindow = words[base + TCP_CONNECTION.word.lastWindow];
  const isRepeated = lastWindow >>> RETRANSMISSIONS_SHIFT >= memory.settings.maxRetrans;
  const options = words[sideOptionsAt(entry, ORIGINAL)] | words[sideOptionsAt(entry, REPLY)];
  const isUnanswered = (words[base + STATUS] & Status.SEEN_REPLY) === 0 && state === TcpState.ESTABLISHED;
  const isUnacknowledged = (options & SideFlag.DATA_UNACKNOWLEDGED) !== 0 || isUnanswered;
  if (isRepeated && isLongerThan(RETRANSMITTED)) return RETRANSMITTED;
  if (words[base + TCP_CONNECTION.word.lastKind] === SegmentKind.RST) return TcpState.CLOSE;
  if (isUnacknowledged && isLongerThan(UNACKNOWLEDGED)) return UNACKNOWLEDGED;
  return (lastWindow & WINDOW_MASK) === 0 && isLongerThan(RETRANSMITTED) ? RETRANSMITTED : state;
}

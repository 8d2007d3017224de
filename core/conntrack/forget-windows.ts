/** What the kernel no longer knows of connections after it has not tracked packets for a while. */
import { IPPROTO_TCP } from '../../codecs/layouts.js';
import { TcpState } from '../protocols/tcp-states.js';
import { PROTOCOL, RECORD_WORDS } from './record.js';
import type { ConntrackTable } from './table.js';
import { sideEndAt, TCP_SIDE, TCP_STATE } from './tcp-record.js';

const MAX_WINDOW = TCP_SIDE.word.maxWindow - TCP_SIDE.word.end;

/**
 * The packets of established connections may be anywhere by now: the next one of each side is in window
 * (nf_ct_tcp_fixup).
 */
export function forgetTcpWindows(table: ConntrackTable): void {
  const { words } = table;
  table.forEach(Number.NEGATIVE_INFINITY, (entry) => {
    const base = entry * RECORD_WORDS;
    if (words[base + PROTOCOL] !== IPPROTO_TCP || words[base + TCP_STATE] !== TcpState.ESTABLISHED) return;
    for (const direction of [0, 1] as const) words[sideEndAt(entry, direction) + MAX_WINDOW] = 0;
  });
}

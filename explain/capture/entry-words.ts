/** What became of conntrack's entry for a connection, in words. */
import type { TimeoutFields } from '../../core/events.js';
import type { Between, LadderEnd, TimedOut } from './entry-course.js';

/** What became of an entry between two packets. */
export function betweenWords(between: Between): string {
  if (between.kind === 'timed-out')
    return `${timedOutWords(between)}, ${seconds(between.agoSec)} before the next packet`;
  return goneWords(between.state);
}

/** How an entry is where the captures end. */
export function endWords(end: LadderEnd): string {
  if (end.kind === 'none') return 'conntrack has no entry for it at the end';
  if (end.kind === 'gone') return goneWords(end.state);
  if (end.kind === 'timed-out') return `${timedOutWords(end)}, ${seconds(end.agoSec)} before the captures end`;
  const state = end.state === undefined ? '' : `in ${end.state} `;
  const left = `its entry expires in ${seconds(end.expiresSec)}${timeoutWords(end.timeout)}`;
  return `${state}where the captures end: ${left}`;
}

function goneWords(state: string | undefined): string {
  const where = state === undefined ? '' : ` in ${state}`;
  const why = 'its ports were needed, the table was full, or a change of the host deleted it';
  return `the entry${where} was removed before it timed out: ${why}`;
}

function timedOutWords({ state, timeout }: TimedOut): string {
  const after = timeout?.seconds === undefined ? '' : ` after ${seconds(timeout.seconds)} without a packet`;
  return `the connection timed out${state === undefined ? '' : ` in ${state}`}${after}${timeoutWords(timeout)}`;
}

function timeoutWords(timeout: TimeoutFields | undefined): string {
  const sysctl = timeout?.sysctl;
  return sysctl === undefined ? '' : ` (${sysctl.slice(sysctl.lastIndexOf('.') + 1)})`;
}

function seconds(count: number): string {
  return `${Number(count.toFixed(count < 10 ? 2 : 0))} s`;
}

/** What conntrack decided about a packet, in words. */
import type { InvalidCheck, TimedOutEvent, TrackedEvent, WindowFields } from '../../core/events.js';

const WORDS: Readonly<Record<InvalidCheck, string>> = {
  header: 'its header is cut short or malformed',
  checksum: 'bad checksum',
  'no-checksum': 'it has no checksum, which its protocol requires',
  flags: 'impossible TCP flags',
  type: 'a type of ICMP that opens no connection',
  family: 'a protocol of the other IP version',
  'no-tuple': 'it has nothing to tell its connection by',
  'no-quoted-connection': 'what it quotes is of no known connection',
  'not-opening': 'no known connection, and it cannot open one',
  state: 'not possible in the state of its connection',
  window: 'outside the window of its connection',
  reset: 'a reset with a sequence number that its receiver does not accept',
  tag: 'the verification tag of another association',
  chunks: 'impossible chunks',
};

/** Why the packet of TRACKED is INVALID; '' if it is not. */
export function invalidWords({ invalid, window, stateBefore, remark }: TrackedEvent): string {
  if (invalid === undefined) return '';
  const words = checkWords(invalid, window, stateBefore);
  return remark === undefined || words.includes(remark) ? words : `${words} (the kernel says: ${remark})`;
}

function checkWords(invalid: InvalidCheck, window: WindowFields | undefined, stateBefore: string | undefined): string {
  if (invalid === 'state' && stateBefore !== undefined) return `not possible in ${stateBefore}`;
  if (window === undefined || invalid !== 'window') return WORDS[invalid];
  const { beyondWindowBytes, unseenBytes } = window;
  if (beyondWindowBytes > 0) return `its sequence number is ${beyondWindowBytes} bytes beyond the window`;
  return unseenBytes > 0 ? `it acknowledges ${unseenBytes} bytes that were never seen` : WORDS.window;
}

/** That the connection of a packet had ended before it came. */
export function timedOutWords({ state, timeout: { sysctl, seconds }, agoSec }: TimedOutEvent): string {
  const name = sysctl?.slice(sysctl.lastIndexOf('.') + 1);
  const limit = seconds === undefined ? '' : ` after ${seconds} s`;
  const by = name === undefined ? '' : ` (${name})`;
  return `its connection${state === undefined ? '' : ` in ${state}`} had timed out${limit}${by}, ${Math.round(agoSec)} s ago`;
}

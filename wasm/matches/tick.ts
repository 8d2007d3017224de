// The kernel's time (jiffies).
import { nowMs } from '../conntrack/account';
import { TICK_MS } from '../constants';

/** Ticks since the first packet. */
export function currentTick(): u64 {
  // Conversion to a signed number is a single instruction, and time is never negative.
  return <u64>(<i64>(nowMs() / <f64>TICK_MS));
}

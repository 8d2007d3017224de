/** The credits that packets of `-m hashlimit` pay with, in the kernel's numbers (xt_hashlimit). */
import { TICK_MS } from '../clock.js';
import { PERIODS_PER_SECOND } from './hashlimit-rate.js';

export const TICKS_PER_SECOND = BigInt(1000 / TICK_MS);
/** Credit per tick: the largest power of two for which a day's ticks fit into 64 bits (CREDITS_PER_JIFFY). */
export const CREDIT_PER_TICK = 2n ** 39n;
/** For rates of bytes, the largest one for which a second's ticks fit into 32 bits (CREDITS_PER_JIFFY_BYTES). */
export const BYTES_CREDIT_PER_TICK = 2n ** 24n;

/** The credit of a second. */
export const BYTES_CREDIT = TICKS_PER_SECOND * BYTES_CREDIT_PER_TICK;

const CREDIT_PER_PERIOD = (TICKS_PER_SECOND * CREDIT_PER_TICK) / PERIODS_PER_SECOND;

/** The credit that accrues in PERIOD, in units of 1/1000000 s (user2credits). Overflows 64 bits. */
export function creditOf(period: bigint): bigint {
  return BigInt.asUintN(64, BigInt.asUintN(64, period) * CREDIT_PER_PERIOD);
}

/** What a chunk of bytes costs (user2credits_byte). */
export function creditOfCost(cost: bigint): bigint {
  return (BigInt.asUintN(32, cost) * TICKS_PER_SECOND * BYTES_CREDIT_PER_TICK) >> 32n;
}

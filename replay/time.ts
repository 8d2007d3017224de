/** Points in the time of captures. */
import type { When } from '../codecs/when.js';

/** Seconds since 1970, and nanoseconds below 1,000,000,000. */
export interface Time {
  readonly sec: number;
  readonly nsec: number;
}

/** The time that WHEN names in a replay whose first packet is at START. */
export function timeOf({ is, sec, nsec }: Exclude<When, { is: 'frame' }>, start: Time): Time {
  if (is === 'time') return { sec, nsec };
  const sum = start.nsec + nsec;
  return { sec: start.sec + sec + Math.floor(sum / 1e9), nsec: sum % 1e9 };
}

/** Lookup of protocols by number, and their sysctls. */
import { generic } from './generic.js';
import * as known from './index.js';
import type { L4Protocol, Setting, Timeout } from './protocol.js';

const KNOWN: readonly L4Protocol[] = Object.values(known);
const BY_NUMBER: readonly L4Protocol[] = Array.from(
  { length: 256 },
  (_, number) => KNOWN.find((protocol) => protocol.number === number) ?? generic,
);

/** The protocol with this NUMBER, or else the generic one. */
export function protocolOf(number: number): L4Protocol {
  return BY_NUMBER[number];
}

/** All time-outs and settings with a sysctl. Protocols may share one. */
export function protocolSysctls(): { timeouts: readonly Timeout[]; settings: readonly Setting[] } {
  const all = [...KNOWN, generic];
  return { timeouts: all.flatMap(({ timeouts }) => timeouts), settings: all.flatMap(({ settings }) => settings) };
}

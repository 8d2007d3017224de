/** Creates the trackers of a host with the settings from its sysctls. */
import type { ConntrackTable } from '../conntrack/table.js';
import type { L4Protocol, L4Tracker } from './protocol.js';
import { protocolOf } from './registry.js';

/**
 * Creates the trackers for TABLE, indexed by protocol number. SYSCTL returns the value of
 * `net.netfilter.nf_conntrack_…`.
 */
export function createTrackers(table: ConntrackTable, sysctl: (name: string) => number): readonly L4Tracker[] {
  const made = new Map<L4Protocol, L4Tracker>();
  return Array.from({ length: 256 }, (_, number) => {
    const protocol = protocolOf(number);
    const tracker = made.get(protocol) ?? createTracker(table, protocol, sysctl);
    made.set(protocol, tracker);
    return tracker;
  });
}

export function createTracker(
  table: ConntrackTable,
  protocol: L4Protocol,
  sysctl: (name: string) => number,
): L4Tracker {
  const timeoutsMs = new Float64Array(Math.max(-1, ...protocol.timeouts.map(([index]) => index)) + 1);
  const tracker = { protocol, table, timeoutsMs, verifiesChecksums: sysctl('checksum') !== 0 };
  setUpTracker(tracker, sysctl);
  return tracker;
}

/** Gives TRACKER the time-outs and settings that SYSCTL returns. Connections get them with their next packet. */
export function setUpTracker(tracker: L4Tracker, sysctl: (name: string) => number): void {
  const { protocol, timeoutsMs } = tracker;
  for (const [index, name, defaultSeconds] of protocol.timeouts) {
    timeoutsMs[index] = 1000 * (name === null ? defaultSeconds : sysctl(name));
  }
  protocol.setUp(tracker, sysctl);
}

/** What `nfreplay bench` has measured, as it prints it with `--json`. */
import type { RulesCost } from './bench-rules.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What one ruleset cost, in nanoseconds per packet. */
export interface RulesetResult extends RulesCost {
  readonly file: string;
  /** Rules in all tables. */
  readonly ruleCount: number;
  /** From the parsed ruleset to an emulator that is ready for packets. */
  readonly buildMs: number;
  /** Including the time to read the captures. */
  readonly costNs: Spread;
  /** The same packets with the nat table only, including the time to read the captures. */
  readonly bareNs: Spread;
  readonly packetsPerSecond: number;
  /** Packets that took the fast path, and those that took the slow path. */
  readonly flowCachePackets: number;
  readonly slowPathPackets: number;
  /** Entries of the connection table when all packets have passed. Absent in what older versions have printed. */
  readonly connections?: number;
  readonly warnings: readonly string[];
}

export interface BenchResult {
  readonly files: readonly string[];
  /** Packets read, and how many of them are IPv4. */
  readonly packets: number;
  readonly entered: number;
  readonly runs: number;
  /** Time to read the captures only. */
  readonly readingNs: Spread;
  readonly rulesets: readonly RulesetResult[];
}

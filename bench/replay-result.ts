/** The input and output of a timed replay in a separate process (replay-once.ts). */

export interface ReplaySpec {
  rulesPath: string;
  hostPath: string;
  inputs: { iface: string; path: string }[];
  /** An existing folder. */
  outDir: string;
  /** `settledMs` starts after this many packets. */
  settlingPackets: number;
}

export interface ReplayResult {
  /** Time to parse ruleset and host, build the tables and open the files. */
  prepareMs: number;
  /** Time from the first packet until the output captures are closed; and the same from `settlingPackets` on. */
  durationMs: number;
  settledMs: number;
  /** User and system time of all threads during `durationMs`, including V8's compilers. */
  cpuMs: number;
  peakMiB: number;
  /** Resident memory after each step. */
  rssMiB: number[];
  read: number;
  forwarded: number;
  connections: number;
  /** Memory of the connection table per connection. */
  connectionBytes: number;
}
